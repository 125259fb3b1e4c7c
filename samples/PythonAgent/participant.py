"""An agent's part in recoveries: what its journal says, and what it answers to the coordinator. No input or output, no clock, no thread.

The state machine is that of the draft, section "Participant"; draft/vectors/participant.json shows that it is (check_vectors.py).
"""

WORK = {"interval_opened", "message_consumed", "message_sent", "action_intended", "action_settled", "dependency_declared", "turn_ended"}
EMPTY_TRACE = {"sends": [], "receipts": [], "actions": [], "reads": [], "intervals": []}


class History:
    """The fold of an agent's journal: its live intervals, and what it did in them."""

    def __init__(self, agent):
        self.agent, self.next, self.incarnation, self.current = agent, 0, 0, 0
        self.live, self.undone, self.turn = [], [], None

    def apply(self, record):
        at, self.next = self.next, self.next + 1
        event = record["event"]
        if event == "interval_opened":
            self._open(record["number"], record["incarnation"], at, self.turn)
        elif event == "message_consumed":
            self.live[-1]["receipts"].append((at, record))
            if record["begins_turn"]:
                self.turn = at
        elif event == "message_sent":
            self.live[-1]["sends"].append({"sequence": at, "to": record["to"]})
        elif event == "action_intended":
            self.live[-1]["actions"].append({"sequence": at, "class": record["class"], "progress": "in_doubt", "name": record["name"],
                                             "can_undo": record["has_compensation"]})
        elif event == "action_settled":
            self._progress(record["action"], "done" if record["succeeded"] else "failed")
        elif event == "dependency_declared":
            self.live[-1]["reads"].append((at, record))
        elif event == "turn_ended":
            self.turn = None
        elif event == "compensation_settled" and record["result"] == "compensated":
            self._progress(record["action"], "compensated")
        elif event == "rolled_back":
            first = next(i for i, interval in enumerate(self.live) if interval["number"] == record["target"])
            self.undone.append((self.live[first]["from"], at))
            self.turn = self.live[first]["turn"]
            del self.live[first:]
            self._open(record["opens"], record["incarnation"], at, self.turn)

    def is_live(self, sequence):
        return not any(first <= sequence <= last for first, last in self.undone)

    def estimate(self, suspects, invalidated):
        """How far back a prepare leads: (target, trace, objections); the target is None when nothing is affected."""
        first = next((i for i, interval in enumerate(self.live)
                      if interval["number"] in suspects or any(_consumed(interval, entry) for entry in invalidated)), None)
        if first is None:
            return None, EMPTY_TRACE, []
        undone = self.live[first:]
        actions = [action for interval in undone for action in interval["actions"]]
        objections = []
        for action in actions:
            if action["progress"] in ("in_doubt", "done"):
                reason = ("irrevocable_action" if action["class"] == "irrevocable"
                          else "compensation_missing" if action["class"] == "compensatable" and not action["can_undo"] else None)
                if reason:
                    objections.append({"reason": reason, "action": {"agent": self.agent, "sequence": action["sequence"]}})
        trace = {
            "sends": [sent for interval in undone for sent in interval["sends"]],
            "receipts": [{"sequence": at, "message": record["message"]} for interval in undone for at, record in interval["receipts"]],
            "actions": [{name: action[name] for name in ("sequence", "class", "progress", "name")} for action in actions],
            "reads": [{"sequence": at, "producer": record["producer"]} for interval in undone for at, record in interval["reads"]
                      if record["strength"] == "required"],
            "intervals": [{"number": interval["number"], "from": interval["from"]} for interval in undone],
        }
        return undone[0]["number"], trace, objections

    def _open(self, number, incarnation, at, turn):
        self.incarnation, self.current = incarnation, number
        self.live.append({"number": number, "from": at, "turn": turn, "receipts": [], "sends": [], "actions": [], "reads": []})

    def _progress(self, sequence, progress):
        for action in (action for interval in self.live for action in interval["actions"] if action["sequence"] == sequence):
            action["progress"] = progress


def _consumed(interval, entry):
    return (any(record["strength"] == "required" and record["message"]["sender"] == entry["producer"] and record["sent_in"] >= entry["from"]
                for _, record in interval["receipts"])
            or any(record["strength"] == "required" and record["producer"]["agent"] == entry["producer"]
                   and record["producer"]["number"] >= entry["from"] for _, record in interval["reads"]))


class Participant:
    """Where the agent stands in recoveries: a fold of the same journal, and the machine on it."""

    def __init__(self, agent):
        self.agent, self.phase, self.epoch = agent, "active", 0
        self.vote, self.settled, self.from_quarantine, self.last_restored = None, {}, False, None
        self.barriers, self.ended, self.undone = {}, set(), []

    def after(self, record):
        event = record["event"]
        if event == "promised":
            self.from_quarantine = self.phase == "quarantined" or (self.vote is not None and self.from_quarantine)
            self.vote, self.settled, self.phase = record["vote"], {}, "prepared"
            self.epoch = max(self.epoch, self.vote["epoch"])
            self.barriers.pop(self.vote["recovery"], None)
        elif event == "barred":
            self.epoch = max(self.epoch, record["vote"]["epoch"])
            self.barriers[record["vote"]["recovery"]] = record
        elif event == "unbarred":
            self.barriers.pop(record["recovery"], None)
            self.ended.add(record["recovery"])
            self.undone += record["undone"]
        elif event == "promise_released":
            self.phase, self.vote = "quarantined" if self.from_quarantine else "active", None
            self.ended.add(record["recovery"])
        elif event == "decision_learnt":
            self.phase = "compensating"
        elif event == "compensation_settled":
            self.settled[record["action"]] = record
        elif event == "rolled_back":
            self.phase, self.last_restored = "restored", record
        elif event == "reinstated":
            self.phase, self.vote = "quarantined" if record["quarantined"] else "active", None
            self.ended.add(record["recovery"])
            self.undone += record["undone"]
        elif event == "fence_raised":
            self.epoch = record["epoch"]

    def bars(self, sender, interval):
        """May it not consume what this interval sent?"""
        return (any(entry["producer"] == sender and interval >= entry["from"] for barred in self.barriers.values() for entry in barred["ranges"])
                or any(entry["producer"] == sender and entry["from"] <= interval < entry.get("below", float("inf")) for entry in self.undone))

    def take(self, message, history):
        """What a message of the coordinator leads to: ("write", record), ("send", message), ("compensate", {"try", "actions"}), in order; None: refuse it."""
        if message["epoch"] < self.epoch:
            return []
        mine = self.vote is not None and self.vote["recovery"] == message["recovery"]
        if mine and (message["type"] == "commit" and message["target"] != self.vote["target"]
                     or message["type"] == "compensate" and not all(self._can_undo(action) for action in message["actions"])):
            return None
        epoch, self.epoch = self.epoch, message["epoch"]
        effects = getattr(self, "_" + message["type"])(message, history, mine)
        self.epoch = epoch
        if message["epoch"] > epoch and not (effects and effects[0][0] == "write" and effects[0][1]["event"] in ("promised", "barred")):
            effects.insert(0, ("write", {"event": "fence_raised", "epoch": message["epoch"]}))
        return effects

    def silence(self):
        """Asks about every recovery that binds or bars it; also first of all after a restart."""
        recoveries = list(self.barriers) + ([self.vote["recovery"]] if self.vote else [])
        return [("send", self._about(recovery, self.epoch, "status_query")) for recovery in recoveries]

    def compensated(self, action, tried, result, attempts, detail=None):
        """The compensation of an action ended. A try ends once."""
        if self._has_ended(action, tried):
            return [("send", self._compensated(self.settled[action], self.epoch))]
        done = {"event": "compensation_settled", "recovery": self.vote["recovery"], "action": action, "try": tried, "result": result, "attempts": attempts}
        done.update({"detail": detail} if detail else {})
        return [("write", done), ("send", self._compensated(done, self.epoch))]

    def _prepare(self, message, history, mine):
        recovery = message["recovery"]
        if recovery in self.ended:
            return []
        if self.vote and not mine:
            return [("send", self._vote(message, "busy", history.incarnation, history.current + 1, EMPTY_TRACE, [], holder=self.vote["recovery"]))]
        known = self.vote or self.barriers.get(recovery, {}).get("vote")
        if known and (mine and self.phase != "prepared" or known["plan"] >= message["plan"]):
            return [("send", dict(known, type="vote", epoch=message["epoch"]))]
        target, trace, objections = history.estimate(message["suspects"], message["invalidated"])
        if target is None and not self.vote:
            vote = self._vote(message, "not_affected", history.incarnation, history.current + 1, trace, [])
            return [("write", {"event": "barred", "vote": _stored(vote), "ranges": message["invalidated"]}), ("send", vote)]
        vote = self._vote(message, "refused" if objections else "ready", history.incarnation, target, trace, objections)
        return [("write", {"event": "promised", "vote": _stored(vote)}), ("send", vote)]

    def _abort(self, message, history, mine):
        if mine and self.phase == "prepared":
            return [("write", {"event": "promise_released", "recovery": message["recovery"]})]
        return self._lift(message, [])

    def _commit(self, message, history, mine):
        if not mine:
            return self._again(message)
        if self.phase == "prepared":
            return [("write", {"event": "decision_learnt", "recovery": message["recovery"], "target": self.vote["target"]})]
        return self._repeat_restored(message)

    def _compensate(self, message, history, mine):
        if not mine or self.phase == "prepared":
            return self._ask(message)
        ended = [action for action in message["actions"] if self._has_ended(action, message["try"])]
        effects = [("send", self._compensated(self.settled[action], message["epoch"])) for action in ended]
        to_run = [action for action in message["actions"] if action not in ended]
        return effects + ([("compensate", {"try": message["try"], "actions": to_run})] if to_run and self.phase == "compensating" else [])

    def _has_ended(self, action, tried):
        """Is nothing more to be run for this try: did it, or a later one, fail, or did any succeed?"""
        done = self.settled.get(action)
        return done is not None and (done["result"] != "failed" or done.get("try", 1) >= tried)

    def _restore(self, message, history, mine):
        if not mine:
            return self._again(message)
        if self.phase == "prepared":
            return self._ask(message)
        if self.phase == "restored":
            return self._repeat_restored(message)
        back = self._rolled_back(message, history, message["residue"])
        restored = self._about(message["recovery"], message["epoch"], "restored", incarnation=back["incarnation"], opens=back["opens"])
        return [("write", back), ("send", restored)]

    def _release(self, message, history, mine):
        if not mine:
            return self._lift(message, message["undone"])
        out = message["quarantine"] or self.from_quarantine
        reinstated = ("write", {"event": "reinstated", "recovery": message["recovery"], "quarantined": out, "undone": message["undone"]})
        if self.phase == "restored":
            return [reinstated]
        return [("write", self._rolled_back(message, history, [])), reinstated] if message["quarantine"] else self._ask(message)

    def _lift(self, message, undone):
        return ([("write", {"event": "unbarred", "recovery": message["recovery"], "undone": undone})] if message["recovery"] in self.barriers else [])

    def _again(self, message):
        last = self.last_restored
        return self._repeat_restored(message) if last and last["recovery"] == message["recovery"] else self._ask(message)

    def _repeat_restored(self, message):
        last = self.last_restored
        if not last or last["recovery"] != message["recovery"]:
            return []
        return [("send", self._about(last["recovery"], message["epoch"], "restored", incarnation=last["incarnation"], opens=last["opens"]))]

    def _ask(self, message):
        return [("send", self._about(message["recovery"], self.epoch, "status_query"))]

    def _can_undo(self, sequence):
        return any(action["sequence"] == sequence and action["class"] == "compensatable" and action["progress"] in ("done", "in_doubt")
                   for action in self.vote["trace"]["actions"])

    def _rolled_back(self, message, history, residue):
        return {"event": "rolled_back", "recovery": message["recovery"], "target": self.vote["target"], "incarnation": history.incarnation + 1,
                "opens": history.current + 1, "residue": residue, "at": 0}

    def _vote(self, message, answer, incarnation, target, trace, objections, **more):
        return self._about(message["recovery"], message["epoch"], "vote", plan=message["plan"], answer=answer, incarnation=incarnation, target=target,
                           trace=trace, objections=objections, **more)

    def _compensated(self, settled, epoch):
        members = {name: settled[name] for name in ("action", "result", "attempts", "detail") if name in settled}
        return self._about(settled["recovery"], epoch, "compensated", **members, **{"try": settled.get("try", 1)})

    def _about(self, recovery, epoch, kind, **members):
        return {"type": kind, "recovery": recovery, "epoch": epoch, "agent": self.agent, **members}


def _stored(vote):
    return {name: value for name, value in vote.items() if name != "type"}
