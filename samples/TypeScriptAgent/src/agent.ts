// A foreign agent: it orders things in the world, and takes part in recoveries. Nothing but Node's own library.
// Its journal is kept by the host (docs/http.md): what it appends there is durable, and after a crash it goes on from there. One gate makes a turn, and what
// is done about a message of the coordinator, one step each; so the agent is between turns whenever it votes.
import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { call, Refused, use } from "./host.js";
import { type Effect, History, type JournalRecord, type Message, Participant } from "./participant.js";
import { SIGNED, Signer } from "./sign.js";

const WORK = new Set(["interval_opened", "message_consumed", "message_sent", "action_intended", "action_settled", "dependency_declared", "turn_ended"]);
const FROM_COORDINATOR = new Set(["prepare", "abort", "commit", "compensate", "restore", "release"]);
const MESSAGE = "application/agent-recovery+json";
const MESSAGE_BYTES_MAX = 1_048_576;

/** The journal is not what this process believes, or took no such record: read it again. */
class Stale extends Error {}

/** The turn cannot go on: it waits for a recovery. */
class Stopped extends Error {}

type Order = { item: string; next?: string };
type State = string[];
type Waiting = {
  agent_recovery: { sender: string; sequence: number; interval: number; incarnation: number; strength: string; kind: string };
  type: string; payload: Order; awaits_reply: boolean;
};

/** What the agent changes outside: lines of a file. One key changes it once. */
class World {
  constructor(private readonly path: string) {}

  apply(verb: string, item: string, key: string): string {
    const lines = existsSync(this.path) ? readFileSync(this.path, "utf8").split("\n") : [];
    if (!lines.some(line => line.endsWith(` ${key}`))) {
      const file = openSync(this.path, "a");
      writeSync(file, `${verb} ${item} ${key}\n`);
      fsyncSync(file);
      closeSync(file);
    }
    return item;
  }
}

/** One run of the handler. Run again, it serves what is recorded before it does anything. */
class Turn {
  buffer: JournalRecord[] = [];

  constructor(
    private readonly agent: Agent, readonly message: Waiting, readonly state: State, private readonly recorded: [number, JournalRecord][], private readonly replayOnly = false) {}

  async act(name: string, item: string): Promise<string> {
    const intended = this.take("action_intended");
    if (!intended) {
      const intent = { event: "action_intended", name, class: "compensatable", argument: item, allowed_by_policy: false, has_compensation: true };
      await this.agent.append([...this.buffer.splice(0), intent]);
      const at = this.agent.history.next - 1;
      const result = this.agent.world.apply("do", item, this.agent.key(at, "do"));
      await this.agent.append([{ event: "action_settled", action: at, succeeded: true, result }]);
      return result;
    }
    const settled = this.take("action_settled");
    if (!settled) throw new Stopped("in doubt"); // the process died in between: whether it was done, nobody knows
    return settled.result;
  }

  send(to: string, type: string, payload: object, inReplyTo?: object): void {
    if (this.take("message_sent")) return;
    this.buffer.push({
      event: "message_sent", to, type, payload, strength: "required", dependency: inReplyTo ? "result" : "message", ...(inReplyTo ? { in_reply_to: inReplyTo } : {}),
    });
  }

  async run(): Promise<State> {
    await handle(this.message.payload, this);
    if (this.message.awaits_reply) {
      const { sender, sequence } = this.message.agent_recovery;
      this.send(sender, "Ordered", { items: this.state }, { sender, sequence });
    }
    return this.state;
  }

  private take(event: string): JournalRecord | null {
    const next = this.recorded.shift();
    if (next && next[1].event !== event) throw new Error(`the handler asks for ${event}, and ${next[1].event} was recorded`);
    if (!next && this.replayOnly) throw new Error(`the handler asks for ${event} where the record ends`);
    return next?.[1] ?? null;
  }
}

/** The agent's work: it orders what it is told to, notes it, and passes the order on. */
async function handle(order: Order, turn: Turn): Promise<void> {
  turn.state.push(await turn.act("order", order.item));
  if (order.next) turn.send(order.next, "Order", { item: order.item });
}

class Agent {
  history!: History;
  readonly world: World;
  private participant!: Participant;
  private records: JournalRecord[] = [];
  private messages = new Map<number, Waiting>();
  private state: State = [];
  private toUndo: { action: number; tried: number }[] = [];
  private outbox = new Map<string, Message>();
  private gate: Promise<unknown> = Promise.resolve();
  private heard = Date.now();
  private readonly base: string;
  private readonly journal: string;

  constructor(readonly name: string, readonly execution: string, world: string, private readonly patience: number, private readonly signer: Signer | null) {
    const [tenant, run] = execution.split("/");
    this.base = `/v1/tenants/${tenant}/executions/${run}`;
    this.journal = `${this.base}/agents/${name}`;
    this.world = new World(world);
  }

  key = (sequence: number, verb: string) => `${this.execution}/${this.name}#${sequence}/${verb}`;

  /** One after another: nothing else happens to the agent while this does. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.gate.then(work);
    this.gate = done.catch(() => {});
    return done;
  }

  // The journal.

  async load(): Promise<void> {
    [this.history, this.participant, this.records, this.messages] = [new History(this.name), new Participant(this.name), [], new Map()];
    for (let path: string | undefined = `${this.journal}/records?limit=1000`; path;) {
      const page: any = await call("GET", path);
      for (const item of page.items) {
        this.note(item.record);
        if (item.message) this.messages.set(item.sequence, item.message);
      }
      path = page.next;
    }
    this.state = await this.replayed();
    this.carryOut(this.participant.silence());
  }

  /** Durable when it returns. Repeated after a broken connection it does nothing. */
  async append(records: JournalRecord[]): Promise<void> {
    try {
      await call("POST", `${this.journal}/records`, { at: this.history.next, records });
    } catch (refused) {
      throw new Stale(String(refused));
    }
    records.forEach(record => this.note(record));
  }

  private note(record: JournalRecord): void {
    this.history.apply(record);
    this.participant.after(record);
    this.records.push(record);
  }

  /** The state that the live turns lead to, with what they recorded; an open turn does not count yet. */
  private async replayed(): Promise<State> {
    let state: State = [];
    for (const { began, steps, ended } of this.turns()) if (ended) state = await new Turn(this, this.messages.get(began)!, state, steps, true).run();
    return state;
  }

  private turns() {
    const turns: { began: number; steps: [number, JournalRecord][]; ended: boolean }[] = [];
    this.records.forEach((record, at) => {
      if (!WORK.has(record.event) || !this.history.isLive(at)) return;
      if (record.event === "message_consumed") turns.push({ began: at, steps: [], ended: false });
      else if (record.event === "turn_ended") turns.at(-1)!.ended = true;
      else if (record.event !== "interval_opened") turns.at(-1)!.steps.push([at, record]);
    });
    return turns;
  }

  // Turns.

  /** Does one thing, if there is one: a compensation, the turn that is open, or the next message. */
  async step(): Promise<void> {
    const isDone = await this.alone(async () => {
      const next = this.toUndo.shift();
      if (next !== undefined) {
        await this.compensate(next.action, next.tried);
      } else if (this.participant.phase === "active" && this.history.turn !== null) {
        const { began, steps } = this.turns().at(-1)!;
        await this.run(new Turn(this, this.messages.get(began)!, [...this.state], steps));
      } else {
        return false;
      }
      return true;
    });
    if (isDone) return;
    const inbox = await call("GET", `${this.journal}/inbox?wait=2`);
    await this.alone(async () => {
      if (Date.now() - this.heard > this.patience * 1000) {
        this.heard = Date.now();
        this.carryOut(this.participant.silence());
      }
      if (inbox.next > this.history.next) await this.load(); // the host wrote too
      else if (inbox.next === this.history.next && inbox.messages.length > 0 && this.participant.phase === "active" && this.history.turn === null) {
        await this.begin(inbox.messages[0]);
      }
    });
  }

  private async begin(message: Waiting): Promise<void> {
    const tag = message.agent_recovery;
    if (this.participant.bars(tag.sender, tag.interval)) return;
    const opened = [...(this.history.live.length === 0 ? [this.opening(0, "start")] : []), this.opening(this.history.current + 1, "message")];
    this.messages.set(this.history.next + opened.length, message);
    await this.append([...opened, {
      event: "message_consumed", message: { sender: tag.sender, sequence: tag.sequence }, sent_in: tag.interval, sender_incarnation: tag.incarnation,
      dependency: tag.kind, strength: tag.strength, begins_turn: true,
    }]);
    await this.run(new Turn(this, message, [...this.state], []));
  }

  private opening(number: number, cause: string): JournalRecord {
    return { event: "interval_opened", number, incarnation: this.history.incarnation, cause, at: 0 };
  }

  private async run(turn: Turn): Promise<void> {
    try {
      const state = await turn.run();
      const digest = createHash("sha256").update(JSON.stringify(state)).digest("hex");
      await this.append([...turn.buffer, { event: "turn_ended", state_digest: digest, has_snapshot: false }]);
      this.state = state;
    } catch (stopped) {
      if (!(stopped instanceof Stopped)) throw stopped;
      this.signal("action_failed", stopped.message);
      await sleep(200); // the recovery is on its way
    }
  }

  private signal(reason: string, detail: string): void {
    const [now, number, incarnation] = [Date.now(), this.history.current, this.history.incarnation];
    this.post({
      type: "failure_signal", signal: `s-${this.name}-${number}-${incarnation}`, issuer: this.name, suspect: { agent: this.name, number }, incarnation, reason,
      detected_at: now, expires_at: now + 60_000, detail,
    });
  }

  // Recoveries.

  /** A message of the coordinator. False: it contradicts the vote. */
  take(message: Message): Promise<boolean> {
    return this.alone(async () => {
      this.heard = Date.now();
      const effects = this.participant.take(message, this.history);
      await this.lead(effects ?? []);
      return effects !== null;
    });
  }

  /** What a step has to write comes first, in one append; what is left is done then. */
  private async lead(effects: Effect[]): Promise<void> {
    const records = effects.flatMap(effect => ("write" in effect ? [effect.write] : []));
    if (records.length > 0) await this.append(records);
    if (records.some(record => record.event === "rolled_back")) {
      this.state = await this.replayed();
      this.toUndo = [];
    }
    this.carryOut(effects);
  }

  private carryOut(effects: Effect[]): void {
    for (const effect of effects) {
      if ("send" in effect) this.post(effect.send);
      else if ("compensate" in effect) this.queue(effect.compensate.try, effect.compensate.actions);
    }
  }

  private queue(tried: number, actions: number[]): void {
    const isQueued = (action: number) => this.toUndo.some(queued => queued.action === action);
    this.toUndo.push(...actions.filter(action => !isQueued(action)).map(action => ({ action, tried })));
  }

  private async compensate(action: number, tried: number): Promise<void> {
    if (this.participant.phase !== "compensating") return;
    this.world.apply("undo", this.records[action].argument, this.key(action, "undo"));
    await this.lead(this.participant.compensated(action, tried, "compensated", 1));
  }

  /** To the coordinator. A newer message of the same kind takes the place of one that has not arrived. */
  private post(message: { type: string } & { [name: string]: any }): void {
    const [tenant, execution] = this.execution.split("/");
    const name = [message.type, message.recovery, message.action].join();
    const addressed = { ver: 1, tenant, execution, ...message } as unknown as Message;
    this.outbox.set(name, addressed);
    const isOutstanding = () => this.outbox.get(name) === addressed;
    const signer = message.type === "failure_signal" ? this.signer : null; // who says the rest, the connection proves
    const [body, type] = signer ? [signer.sign(addressed), SIGNED] : [addressed, MESSAGE];
    call("POST", `${this.base}/messages`, body, type, isOutstanding)
      .catch(refused => console.log("refused:", refused.message)) // not sent again unchanged
      .finally(() => isOutstanding() && this.outbox.delete(name));
  }
}

/** The participant endpoint: takes messages of the coordinator. */
async function endpoint(agent: Agent, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (status: number, error?: string) => {
    const problem = error ? { type: "https://iana.org/assignments/http-problem-types#agent-recovery", status, error } : null;
    response.writeHead(status, problem ? { "content-type": "application/problem+json" } : {}).end(problem ? JSON.stringify(problem) : "");
  };
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length <= MESSAGE_BYTES_MAX) parts.push(part); // the rest is read, and forgotten: the sender listens when it has sent
  }
  if (length > MESSAGE_BYTES_MAX) return answer(413, "payload_too_large");
  let message: any;
  try {
    message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)));
  } catch {
    return answer(400, "malformed_json");
  }
  if (typeof message?.ver === "number" && message.ver !== 1) return answer(400, "unknown_version");
  if (!FROM_COORDINATOR.has(message?.type) || typeof message.epoch !== "number" || message.ver !== 1) return answer(400, "schema_violation");
  if (`${message.tenant}/${message.execution}` !== agent.execution) return answer(403, "foreign_tenant");
  if (message.agent !== agent.name) return answer(404, "unknown_agent");
  try {
    return (await agent.take(message)) ? answer(202) : answer(409, "illegal_transition");
  } catch (failure) {
    if (!(failure instanceof Stale)) return answer(400, "schema_violation");
    await agent.alone(() => agent.load());
    return answer(503);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      agent: { type: "string" }, execution: { type: "string" }, port: { type: "string" }, host: { type: "string", multiple: true },
      world: { type: "string", default: "world.txt" }, patience: { type: "string", default: "5" }, "sign-with": { type: "string" },
    },
  });
  if (values.host) use(values.host);
  const agent = new Agent(values.agent!, values.execution!, values.world!, Number(values.patience), values["sign-with"] ? new Signer(values["sign-with"]) : null);
  const load = () => agent.alone(() => agent.load());
  for (let isLoaded = false; !isLoaded;) {
    isLoaded = await load().then(() => true, failure => {
      if (!(failure instanceof Refused) || failure.status !== 404) throw failure;
      return sleep(200, false); // the execution is not started yet
    });
  }
  createServer((request, response) => void endpoint(agent, request, response)).listen(Number(values.port), "127.0.0.1");
  console.log("ready");
  while (true) {
    try {
      await agent.step();
    } catch (failure) {
      if (!(failure instanceof Stale)) throw failure;
      await load();
    }
  }
}

await main();
