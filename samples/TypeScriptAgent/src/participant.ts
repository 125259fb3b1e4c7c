// An agent's part in recoveries: what its journal says, and what it answers to the coordinator. No input or output, no clock.
// The state machine is that of the draft, section "Participant"; draft/vectors/participant.json shows that it is (check_vectors.ts).

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JournalRecord = { event: string } & { [name: string]: any };
export type Message = { type: string; recovery: string; epoch: number; agent: string } & { [name: string]: any };
export type Phase = "active" | "prepared" | "compensating" | "restored" | "quarantined";
export type Effect = { write: JournalRecord } | { send: Message } | { compensate: { try: number; actions: number[] } };

type Range = { producer: string; from: number; below?: number };
type Action = { sequence: number; class: string; progress: string; name: string; canUndo: boolean };
type Interval = {
  number: number; from: number; turn: number | null; receipts: [number, JournalRecord][]; sends: { sequence: number; to: string }[];
  actions: Action[]; reads: [number, JournalRecord][];
};

const noTrace = () => ({ sends: [], receipts: [], actions: [], reads: [], intervals: [] }) as { [name: string]: any[] };

/** The fold of an agent's journal: its live intervals, and what it did in them. */
export class History {
  next = 0;
  incarnation = 0;
  current = 0;
  turn: number | null = null;
  live: Interval[] = [];
  private undone: [number, number][] = [];

  constructor(readonly agent: string) {}

  apply(record: JournalRecord): void {
    const at = this.next++;
    const last = this.live.at(-1)!;
    switch (record.event) {
      case "interval_opened": this.open(record.number, record.incarnation, at); break;
      case "message_consumed":
        last.receipts.push([at, record]);
        if (record.begins_turn) this.turn = at;
        break;
      case "message_sent": last.sends.push({ sequence: at, to: record.to }); break;
      case "action_intended":
        last.actions.push({ sequence: at, class: record.class, progress: "in_doubt", name: record.name, canUndo: record.has_compensation });
        break;
      case "action_settled": this.progress(record.action, record.succeeded ? "done" : "failed"); break;
      case "dependency_declared": last.reads.push([at, record]); break;
      case "turn_ended": this.turn = null; break;
      case "compensation_settled": if (record.result === "compensated") this.progress(record.action, "compensated"); break;
      case "rolled_back": {
        const first = this.live.findIndex(interval => interval.number === record.target);
        this.undone.push([this.live[first].from, at]);
        this.turn = this.live[first].turn;
        this.live.length = first;
        this.open(record.opens, record.incarnation, at);
        break;
      }
    }
  }

  isLive(sequence: number): boolean {
    return !this.undone.some(([first, last]) => first <= sequence && sequence <= last);
  }

  /** How far back a prepare leads; the target is null when nothing is affected. */
  estimate(suspects: number[], invalidated: Range[]) {
    const first = this.live.findIndex(interval => suspects.includes(interval.number) || invalidated.some(range => consumed(interval, range)));
    if (first < 0) return { target: null, trace: noTrace(), objections: [] as any[] };
    const undone = this.live.slice(first);
    const actions = undone.flatMap(interval => interval.actions);
    const objections = actions.filter(action => action.progress === "in_doubt" || action.progress === "done").flatMap(action => {
      const reason = action.class === "irrevocable" ? "irrevocable_action"
        : action.class === "compensatable" && !action.canUndo ? "compensation_missing" : null;
      return reason ? [{ reason, action: { agent: this.agent, sequence: action.sequence } }] : [];
    });
    const trace = {
      sends: undone.flatMap(interval => interval.sends),
      receipts: undone.flatMap(interval => interval.receipts.map(([sequence, record]) => ({ sequence, message: record.message }))),
      actions: actions.map(action => ({ sequence: action.sequence, class: action.class, progress: action.progress, name: action.name })),
      reads: undone.flatMap(interval => interval.reads.filter(([, record]) => record.strength === "required")
        .map(([sequence, record]) => ({ sequence, producer: record.producer }))),
      intervals: undone.map(interval => ({ number: interval.number, from: interval.from })),
    };
    return { target: undone[0].number, trace, objections };
  }

  private open(number: number, incarnation: number, at: number): void {
    this.incarnation = incarnation;
    this.current = number;
    this.live.push({ number, from: at, turn: this.turn, receipts: [], sends: [], actions: [], reads: [] });
  }

  private progress(sequence: number, progress: string): void {
    for (const interval of this.live) for (const action of interval.actions) if (action.sequence === sequence) action.progress = progress;
  }
}

const consumed = (interval: Interval, range: Range): boolean =>
  interval.receipts.some(([, record]) => record.strength === "required" && record.message.sender === range.producer && record.sent_in >= range.from)
  || interval.reads.some(([, record]) => record.strength === "required" && record.producer.agent === range.producer && record.producer.number >= range.from);

/** Where the agent stands in recoveries: a fold of the same journal, and the machine on it. */
export class Participant {
  phase: Phase = "active";
  private epoch = 0;
  private vote: any = null;
  private fromQuarantine = false;
  private settled = new Map<number, JournalRecord>();
  private lastRestored: JournalRecord | null = null;
  private barriers = new Map<string, JournalRecord>();
  private ended = new Set<string>();
  private undone: Range[] = [];

  constructor(private readonly agent: string) {}

  after(record: JournalRecord): void {
    switch (record.event) {
      case "promised":
        this.fromQuarantine = this.phase === "quarantined" || (this.vote !== null && this.fromQuarantine);
        this.vote = record.vote;
        this.settled.clear();
        this.phase = "prepared";
        this.epoch = Math.max(this.epoch, record.vote.epoch);
        this.barriers.delete(record.vote.recovery);
        break;
      case "barred":
        this.epoch = Math.max(this.epoch, record.vote.epoch);
        this.barriers.set(record.vote.recovery, record);
        break;
      case "unbarred":
        this.barriers.delete(record.recovery);
        this.ended.add(record.recovery);
        this.undone.push(...record.undone);
        break;
      case "promise_released":
        this.phase = this.fromQuarantine ? "quarantined" : "active";
        this.vote = null;
        this.ended.add(record.recovery);
        break;
      case "decision_learnt": this.phase = "compensating"; break;
      case "compensation_settled": this.settled.set(record.action, record); break;
      case "rolled_back":
        this.phase = "restored";
        this.lastRestored = record;
        break;
      case "reinstated":
        this.phase = record.quarantined ? "quarantined" : "active";
        this.vote = null;
        this.ended.add(record.recovery);
        this.undone.push(...record.undone);
        break;
      case "fence_raised": this.epoch = record.epoch; break;
    }
  }

  /** May it not consume what this interval sent? */
  bars(sender: string, interval: number): boolean {
    const barred = [...this.barriers.values()].flatMap(record => record.ranges as Range[]);
    return barred.some(range => range.producer === sender && interval >= range.from)
      || this.undone.some(range => range.producer === sender && interval >= range.from && interval < (range.below ?? Infinity));
  }

  /** What a message of the coordinator leads to, in order; null: refuse it. */
  take(message: Message, history: History): Effect[] | null {
    if (message.epoch < this.epoch) return [];
    const mine = this.vote !== null && this.vote.recovery === message.recovery;
    const contradicts = mine && (message.type === "commit" ? message.target !== this.vote.target
      : message.type === "compensate" && !message.actions.every((action: number) => this.canUndo(action)));
    if (contradicts) return null;
    const epoch = this.epoch;
    this.epoch = message.epoch;
    const effects = this.answer(message, history, mine);
    this.epoch = epoch;
    const [first] = effects;
    const carriesEpoch = first && "write" in first && (first.write.event === "promised" || first.write.event === "barred");
    return message.epoch > epoch && !carriesEpoch ? [{ write: { event: "fence_raised", epoch: message.epoch } }, ...effects] : effects;
  }

  /** Asks about every recovery that binds or bars it; also first of all after a restart. */
  silence(): Effect[] {
    const recoveries = [...this.barriers.keys(), ...(this.vote ? [this.vote.recovery] : [])];
    return recoveries.map(recovery => ({ send: this.about(recovery, this.epoch, "status_query") }));
  }

  /** The compensation of an action ended. A try ends once. */
  compensated(action: number, tried: number, result: string, attempts: number, detail?: string): Effect[] {
    if (this.hasEnded(action, tried)) return [{ send: this.report(this.settled.get(action)!, this.epoch) }];
    const done = { event: "compensation_settled", recovery: this.vote.recovery, action, try: tried, result, attempts, ...(detail ? { detail } : {}) };
    return [{ write: done }, { send: this.report(done, this.epoch) }];
  }

  private answer(message: Message, history: History, mine: boolean): Effect[] {
    switch (message.type) {
      case "prepare": return this.prepare(message, history, mine);
      case "abort":
        return mine && this.phase === "prepared" ? [{ write: { event: "promise_released", recovery: message.recovery } }] : this.lift(message, []);
      case "commit":
        return !mine ? this.again(message)
          : this.phase === "prepared" ? [{ write: { event: "decision_learnt", recovery: message.recovery, target: this.vote.target } }]
          : this.repeatRestored(message);
      case "compensate": return this.compensate(message, mine);
      case "restore": {
        if (!mine) return this.again(message);
        if (this.phase === "prepared") return this.ask(message);
        if (this.phase === "restored") return this.repeatRestored(message);
        const back = this.rolledBack(message, history, message.residue);
        return [{ write: back }, { send: this.about(message.recovery, message.epoch, "restored", { incarnation: back.incarnation, opens: back.opens }) }];
      }
      default: return this.release(message, history, mine);
    }
  }

  private prepare(message: Message, history: History, mine: boolean): Effect[] {
    const { recovery } = message;
    if (this.ended.has(recovery)) return [];
    const next = history.current + 1;
    if (this.vote && !mine) return [{ send: this.votes(message, "busy", history.incarnation, next, noTrace(), [], { holder: this.vote.recovery }) }];
    const known = this.vote ?? this.barriers.get(recovery)?.vote;
    if (known && ((mine && this.phase !== "prepared") || known.plan >= message.plan)) return [{ send: { ...known, type: "vote", epoch: message.epoch } }];
    const { target, trace, objections } = history.estimate(message.suspects, message.invalidated);
    if (target === null && !this.vote) {
      const vote = this.votes(message, "not_affected", history.incarnation, next, trace, []);
      return [{ write: { event: "barred", vote: stored(vote), ranges: message.invalidated } }, { send: vote }];
    }
    const vote = this.votes(message, objections.length > 0 ? "refused" : "ready", history.incarnation, target!, trace, objections);
    return [{ write: { event: "promised", vote: stored(vote) } }, { send: vote }];
  }

  private compensate(message: Message, mine: boolean): Effect[] {
    if (!mine || this.phase === "prepared") return this.ask(message);
    const actions = message.actions as number[];
    const ended = actions.filter(action => this.hasEnded(action, message.try));
    const toRun = actions.filter(action => !ended.includes(action));
    const repeated: Effect[] = ended.map(action => ({ send: this.report(this.settled.get(action)!, message.epoch) }));
    return toRun.length > 0 && this.phase === "compensating" ? [...repeated, { compensate: { try: message.try, actions: toRun } }] : repeated;
  }

  /** Is nothing more to be run for this try: did it, or a later one, fail, or did any succeed? */
  private hasEnded(action: number, tried: number): boolean {
    const done = this.settled.get(action);
    return done !== undefined && (done.result !== "failed" || (done.try ?? 1) >= tried);
  }

  private release(message: Message, history: History, mine: boolean): Effect[] {
    if (!mine) return this.lift(message, message.undone);
    const quarantined = message.quarantine || this.fromQuarantine;
    const reinstated = { write: { event: "reinstated", recovery: message.recovery, quarantined, undone: message.undone } };
    if (this.phase === "restored") return [reinstated];
    return message.quarantine ? [{ write: this.rolledBack(message, history, []) }, reinstated] : this.ask(message);
  }

  private lift(message: Message, undone: Range[]): Effect[] {
    return this.barriers.has(message.recovery) ? [{ write: { event: "unbarred", recovery: message.recovery, undone } }] : [];
  }

  private again(message: Message): Effect[] {
    return this.lastRestored?.recovery === message.recovery ? this.repeatRestored(message) : this.ask(message);
  }

  private repeatRestored(message: Message): Effect[] {
    const last = this.lastRestored;
    if (last?.recovery !== message.recovery) return [];
    return [{ send: this.about(message.recovery, message.epoch, "restored", { incarnation: last!.incarnation, opens: last!.opens }) }];
  }

  private ask(message: Message): Effect[] {
    return [{ send: this.about(message.recovery, this.epoch, "status_query") }];
  }

  private canUndo(sequence: number): boolean {
    return this.vote.trace.actions.some((action: any) =>
      action.sequence === sequence && action.class === "compensatable" && (action.progress === "done" || action.progress === "in_doubt"));
  }

  private rolledBack(message: Message, history: History, residue: number[]): JournalRecord {
    return {
      event: "rolled_back", recovery: message.recovery, target: this.vote.target, incarnation: history.incarnation + 1, opens: history.current + 1, residue, at: 0,
    };
  }

  private votes(message: Message, answer: string, incarnation: number, target: number, trace: object, objections: object[], more = {}): Message {
    return this.about(message.recovery, message.epoch, "vote", { plan: message.plan, answer, incarnation, target, trace, objections, ...more });
  }

  private report(done: JournalRecord, epoch: number): Message {
    const { action, result, attempts, detail } = done;
    return this.about(done.recovery, epoch, "compensated", { action, try: done.try ?? 1, result, attempts, ...(detail ? { detail } : {}) });
  }

  private about(recovery: string, epoch: number, type: string, members = {}): Message {
    return { type, recovery, epoch, agent: this.agent, ...members };
  }
}

const stored = ({ type: _, ...vote }: Message) => vote;
