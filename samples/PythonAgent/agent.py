"""A foreign agent: it orders things in the world, and takes part in recoveries. Nothing but Python's standard library.

Its journal is kept by the host (docs/http.md): what it appends there is durable, and after a crash it goes on from there. One lock makes a turn, and
what is done about a message of the coordinator, one step each; so the agent is between turns whenever it votes.
"""
import argparse
import hashlib
import http.client
import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from participant import WORK, History, Participant

MESSAGE = "application/agent-recovery+json"
REPEATED = {408, 429, 500, 502, 503, 504}
MESSAGE_BYTES_MAX = 1_048_576


class Stale(Exception):
    """The journal is not what this process believes, or took no such record: read it again."""


class Stopped(Exception):
    """The turn cannot go on: it waits for a recovery."""


class World:
    """What the agent changes outside: lines of a file. One key changes it once."""

    def __init__(self, path):
        self.path = path

    def apply(self, verb, item, key):
        lines = open(self.path, encoding="utf-8").read().splitlines() if os.path.exists(self.path) else []
        if not any(line.endswith(" " + key) for line in lines):
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(f"{verb} {item} {key}\n")
                file.flush()
                os.fsync(file.fileno())
        return item


class Turn:
    """One run of the handler. Run again, it serves what is recorded before it does anything."""

    def __init__(self, agent, message, state, recorded, replay_only=False):
        self.agent, self.message, self.state, self.recorded, self.replay_only = agent, message, state, list(recorded), replay_only
        self.buffer = []

    def act(self, name, item):
        at, intent = self._take("action_intended")
        if intent is None:
            intent = {"event": "action_intended", "name": name, "class": "compensatable", "argument": item, "allowed_by_policy": False, "has_compensation": True}
            self.agent.append(self.buffer + [intent])
            self.buffer, at = [], self.agent.history.next - 1
            result = self.agent.world.apply("do", item, self.agent.key(at, "do"))
            self.agent.append([{"event": "action_settled", "action": at, "succeeded": True, "result": result}])
            return result
        _, settled = self._take("action_settled")
        if settled is None:  # the process died in between: whether it was done, nobody knows
            raise Stopped("in doubt")
        return settled["result"]

    def send(self, to, kind, payload, in_reply_to=None):
        _, sent = self._take("message_sent")
        if sent is None:
            sent = {"event": "message_sent", "to": to, "type": kind, "payload": payload, "strength": "required", "dependency": "message"}
            if in_reply_to:
                sent.update(in_reply_to=in_reply_to, dependency="result")
            self.buffer.append(sent)

    def run(self):
        handle(self.message, self)
        if self.message["awaits_reply"]:
            tag = self.message["agent_recovery"]
            self.send(tag["sender"], "Ordered", {"items": self.state}, {"sender": tag["sender"], "sequence": tag["sequence"]})
        return self.state

    def _take(self, event):
        if self.recorded:
            at, record = self.recorded.pop(0)
            assert record["event"] == event, f"the handler asks for {event}, and {record['event']} was recorded"
            return at, record
        if self.replay_only:
            raise AssertionError(f"the handler asks for {event} where the record ends")
        return None, None


def handle(message, turn):
    """The agent's work: it orders what it is told to, notes it, and passes the order on."""
    order = message["payload"]
    turn.state.append(turn.act("order", order["item"]))
    if order.get("next"):
        turn.send(order["next"], "Order", {"item": order["item"]})


class Agent:
    def __init__(self, options):
        self.name, self.execution = options.agent, options.execution
        self.tenant, execution = options.execution.split("/")
        self.hosts = options.host or ["http://127.0.0.1:7400"]
        self.base = f"/v1/tenants/{self.tenant}/executions/{execution}"
        self.journal = f"{self.base}/agents/{self.name}"
        self.world, self.gate = World(options.world), threading.RLock()
        self.to_undo, self.outbox, self.work = [], {}, threading.Condition()
        self.heard, self.patience = time.monotonic(), options.patience
        threading.Thread(target=self.deliver, daemon=True).start()
        self.load()

    def key(self, sequence, verb):
        return f"{self.execution}/{self.name}#{sequence}/{verb}"

    # The journal.

    def load(self):
        self.history, self.participant, self.records, self.messages = History(self.name), Participant(self.name), [], {}
        path = f"{self.journal}/records?limit=1000"
        while path:
            page = self.call("GET", path)
            for item in page["items"]:
                self.note(item["record"])
                if "message" in item:
                    self.messages[item["sequence"]] = item["message"]
            path = page.get("next")
        self.state = self.replayed()
        for effect in self.participant.silence():
            self.carry_out(effect)

    def note(self, record):
        self.history.apply(record)
        self.participant.after(record)
        self.records.append(record)

    def append(self, records):
        """Durable when it returns. Repeated after a broken connection it does nothing."""
        try:
            self.call("POST", f"{self.journal}/records", {"at": self.history.next, "records": records})
        except urllib.error.HTTPError as refused:
            raise Stale(refused.read().decode()) from refused
        for record in records:
            self.note(record)

    def replayed(self):
        """The state that the live turns lead to, with what they recorded; an open turn does not count yet."""
        state = []
        for began, steps, ended in self.turns():
            if ended:
                state = Turn(self, self.messages[began], state, steps, replay_only=True).run()
        return state

    def turns(self):
        """The live turns: where each began, its steps, and whether it ended."""
        turns = []
        for at, record in enumerate(self.records):
            if record["event"] not in WORK or not self.history.is_live(at):
                continue
            if record["event"] == "message_consumed":
                turns.append((at, [], False))
            elif record["event"] == "turn_ended":
                turns[-1] = (turns[-1][0], turns[-1][1], True)
            elif record["event"] != "interval_opened":
                turns[-1][1].append((at, record))
        return turns

    # Turns.

    def step(self):
        """Does one thing, if there is one: a compensation, the turn that is open, or the next message."""
        with self.gate:
            if self.to_undo:
                return self.compensate(*self.to_undo.pop(0))
            if self.participant.phase == "active" and self.history.turn is not None:
                began, steps, _ = self.turns()[-1]
                return self.run(Turn(self, self.messages[began], list(self.state), steps))
        inbox = self.call("GET", f"{self.journal}/inbox?wait=2")
        with self.gate:
            if time.monotonic() - self.heard > self.patience:
                self.heard = time.monotonic()
                for effect in self.participant.silence():
                    self.carry_out(effect)
            if inbox["next"] != self.history.next:
                if inbox["next"] > self.history.next:
                    self.load()  # the host wrote too
                return
            if inbox["messages"] and self.participant.phase == "active" and self.history.turn is None:
                self.begin(inbox["messages"][0])

    def begin(self, message):
        tag = message["agent_recovery"]
        if self.participant.bars(tag["sender"], tag["interval"]):
            return
        opened = [] if self.history.live else [self.opening(0, "start")]
        opened.append(self.opening(self.history.current + 1, "message"))
        consumed = {"event": "message_consumed", "message": {"sender": tag["sender"], "sequence": tag["sequence"]}, "sent_in": tag["interval"],
                    "sender_incarnation": tag["incarnation"], "dependency": tag["kind"], "strength": tag["strength"], "begins_turn": True}
        self.messages[self.history.next + len(opened)] = message
        self.append(opened + [consumed])
        self.run(Turn(self, message, list(self.state), []))

    def opening(self, number, cause):
        return {"event": "interval_opened", "number": number, "incarnation": self.history.incarnation, "cause": cause, "at": 0}

    def run(self, turn):
        try:
            state = turn.run()
            digest = hashlib.sha256(json.dumps(state).encode()).hexdigest()
            self.append(turn.buffer + [{"event": "turn_ended", "state_digest": digest, "has_snapshot": False}])
            self.state = state
        except Stopped as stopped:
            self.signal("action_failed", str(stopped))
            time.sleep(0.2)  # the recovery is on its way

    def signal(self, reason, detail):
        now, interval = int(time.time() * 1000), self.history.current
        self.post({"type": "failure_signal", "signal": f"s-{self.name}-{interval}-{self.history.incarnation}", "issuer": self.name,
                   "suspect": {"agent": self.name, "number": interval}, "incarnation": self.history.incarnation, "reason": reason,
                   "detected_at": now, "expires_at": now + 60_000, "detail": detail})

    # Recoveries.

    def take(self, message):
        """A message of the coordinator. False: it contradicts the vote."""
        with self.gate:
            self.heard = time.monotonic()
            effects = self.participant.take(message, self.history)
            for effect in self.durable(effects or []):
                self.carry_out(effect)
            return effects is not None

    def durable(self, effects):
        """What a step has to write comes first, in one append; what is left may be done then."""
        records = [what for kind, what in effects if kind == "write"]
        if records:
            self.append(records)
            if any(record["event"] == "rolled_back" for record in records):
                self.state = self.replayed()
                self.to_undo.clear()
        return [effect for effect in effects if effect[0] != "write"]

    def carry_out(self, effect):
        kind, what = effect
        if kind == "send":
            self.post(what)
        else:
            self.to_undo += [(action, what["try"]) for action in what["actions"] if action not in (queued for queued, _ in self.to_undo)]

    def compensate(self, action, tried):
        if self.participant.phase != "compensating":
            return
        self.world.apply("undo", self.records[action]["argument"], self.key(action, "undo"))
        for effect in self.durable(self.participant.compensated(action, tried, "compensated", 1)):
            self.carry_out(effect)

    # HTTP.

    def call(self, method, path, body=None, kind="application/json", again=lambda: True):
        """A request to the host, repeated as the draft says: no connection, or a status that passes. Of several hosts, all of one cluster, the next is tried then."""
        pause = 0.1
        while again():
            hosts = self.hosts
            try:
                data = None if body is None else json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
                request = urllib.request.Request(hosts[0] + path, data, {"Content-Type": kind}, method=method)
                with urllib.request.urlopen(request, timeout=35) as response:
                    return json.loads(response.read() or b"null")
            except urllib.error.HTTPError as refused:
                if refused.code not in REPEATED:
                    raise
                pause = max(pause, float(refused.headers.get("Retry-After") or 0))
            except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError):
                pass
            if self.hosts is hosts:  # and not on to another one already
                self.hosts = hosts[1:] + hosts[:1]
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 5)
        return None

    def post(self, message):
        """To the coordinator. A newer message of the same kind takes the place of one that has not arrived."""
        message = {"ver": 1, "tenant": self.tenant, "execution": self.execution.split("/")[1], **message}
        with self.work:
            self.outbox[message["type"], message.get("recovery"), message.get("action")] = message
            self.work.notify()

    def deliver(self):
        while True:
            with self.work:
                self.work.wait_for(lambda: self.outbox)
                name, message = next(iter(self.outbox.items()))
            try:
                self.call("POST", f"{self.base}/messages", message, MESSAGE, lambda: self.outbox.get(name) is message)
            except urllib.error.HTTPError as refused:  # not sent again unchanged
                print("refused:", refused.read().decode(), flush=True)
            with self.work:
                if self.outbox.get(name) is message:
                    del self.outbox[name]


def endpoint(agent):
    """The participant endpoint: takes messages of the coordinator."""

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the connection stays: one that was about to be closed could take the next message with it
        disable_nagle_algorithm = True

        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            if length > MESSAGE_BYTES_MAX:
                while length > 0:  # read, and forgotten: the sender listens when it has sent
                    length -= len(self.rfile.read(min(length, 65536))) or length
                return self.answer(413, "payload_too_large")
            try:
                message = json.loads(self.rfile.read(length), object_pairs_hook=distinct)
            except (ValueError, RecursionError):
                return self.answer(400, "malformed_json")
            if not isinstance(message, dict) or message.get("type") not in ("prepare", "abort", "commit", "compensate", "restore", "release"):
                return self.answer(400, "schema_violation")
            if message.get("ver") != 1:
                return self.answer(400, "unknown_version")
            if f"{message.get('tenant')}/{message.get('execution')}" != agent.execution:
                return self.answer(403, "foreign_tenant")
            if message.get("agent") != agent.name:
                return self.answer(404, "unknown_agent")
            try:
                taken = agent.take(message)
                return self.answer(202) if taken else self.answer(409, "illegal_transition")
            except (KeyError, TypeError, AttributeError):
                return self.answer(400, "schema_violation")
            except Stale:
                with agent.gate:
                    agent.load()
                return self.answer(503)

        def answer(self, status, error=None):
            problem = {"type": "https://iana.org/assignments/http-problem-types#agent-recovery", "status": status, "error": error} if error else None
            body = json.dumps(problem).encode() if problem else b""
            self.send_response(status)
            if error:
                self.send_header("Content-Type", "application/problem+json")
            self.send_header("Content-Length", str(len(body)))
            try:
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                pass  # the coordinator has said something newer, and waits for this answer no more

        def log_message(self, *_):
            pass

    return Endpoint


def distinct(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member occurs twice")
    return members


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--agent", required=True)
    options.add_argument("--execution", required=True, help="tenant/execution; the agent waits until it is started")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--host", action="append", help="may be repeated: any silo of a cluster will do; default http://127.0.0.1:7400")
    options.add_argument("--world", default="world.txt", help="the file that stands for the world outside")
    options.add_argument("--patience", type=float, default=5, help="seconds of the coordinator's silence before it is asked")
    options = options.parse_args()
    while True:
        try:
            agent = Agent(options)
            break
        except urllib.error.HTTPError as refused:  # not started yet
            if refused.code != 404:
                raise
            time.sleep(0.2)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), endpoint(agent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    while True:
        try:
            agent.step()
        except Stale:
            with agent.gate:
                agent.load()
        except urllib.error.HTTPError as refused:
            print("refused:", refused.code, flush=True)
            time.sleep(1)


if __name__ == "__main__":
    main()
