import type { AgentPast, Interval, LedgerEntry, PastDependency, Preview, RecoveryStatus, Residue } from './api';
import { words } from './dom';

/** What falls, or fell: of a recovery, or of a question what would fall. */
export interface Fall {
  readonly recovery: string | null;
  readonly suspects: readonly Interval[];
  readonly targets: Readonly<Record<string, number>>;
  readonly residue: readonly Residue[];
}

export const fallOf = (recovery: RecoveryStatus): Fall => recovery;
export const fallOfPlan = (suspect: Interval, plan: Preview): Fall => ({ recovery: null, suspects: [suspect], targets: plan.targets, residue: plan.residue });

/** What became of an agent. */
export type Fate = 'suspect' | 'residue' | 'fell' | 'kept' | 'outside';

export const FATES: Record<Fate, { mark: string; text: string }> = {
  suspect: { mark: '◆', text: 'found wrong, and fell' },
  residue: { mark: '▲', text: 'fell, and left residue' },
  fell: { mark: '✕', text: 'fell: it relied on what fell' },
  kept: { mark: '', text: 'keeps everything' },
  outside: { mark: '', text: 'input from outside' },
};

export interface Edge { readonly from: string; readonly to: string; count: number; required: boolean; falls: boolean }

interface Cause { readonly from: string; readonly dependency: PastDependency | null }

const OUTSIDE = '@outside';
const keyOf = (agent: string, number: number) => `${agent}/${number}`;

/** What the agents did, and what of it falls. */
export class Past {
  readonly agents: ReadonlyMap<string, AgentPast>;
  private readonly consumers = new Map<string, { agent: string; dependency: PastDependency }[]>();

  constructor(agents: readonly AgentPast[]) {
    this.agents = new Map(agents.map((agent) => [agent.agent, agent]));
    for (const agent of agents) {
      for (const dependency of agent.dependencies) {
        const key = keyOf(dependency.producer.agent, dependency.producer.number);
        const known = this.consumers.get(key);
        if (known) known.push({ agent: agent.agent, dependency });
        else this.consumers.set(key, [{ agent: agent.agent, dependency }]);
      }
    }
  }

  /** The intervals that fall, as agent/number. */
  falling(fall: Fall | null): Set<string> {
    const found = new Set<string>();
    for (const [name, target] of Object.entries(fall?.targets ?? {})) {
      for (const interval of this.agents.get(name)?.intervals ?? []) {
        const falls = interval.undone ? interval.undone === fall!.recovery : interval.number >= target && !this.wentBack(name, fall!);
        if (falls) found.add(keyOf(name, interval.number));
      }
    }
    return found;
  }

  // Back already in this recovery: what is live now came after it.
  private wentBack(agent: string, fall: Fall): boolean {
    return fall.recovery !== null && (this.agents.get(agent)?.restores.some((restore) => restore.recovery === fall.recovery) ?? false);
  }

  fates(fall: Fall | null): Map<string, Fate> {
    const suspects = new Set(fall?.suspects.map((suspect) => suspect.agent));
    const residue = new Set(fall?.residue.map((left) => left.agent));
    return new Map([...this.agents.keys()].map((name) => [name, name === OUTSIDE ? 'outside' : !fall || fall.targets[name] === undefined ? 'kept'
      : suspects.has(name) ? 'suspect' : residue.has(name) ? 'residue' : 'fell']));
  }

  edges(falling: ReadonlySet<string>): Edge[] {
    const edges = new Map<string, Edge>();
    for (const agent of this.agents.values()) {
      for (const { producer, interval, strength } of agent.dependencies) {
        if (producer.agent === agent.agent || !this.agents.has(producer.agent)) continue;
        const key = `${producer.agent} ${agent.agent}`;
        const edge = edges.get(key) ?? { from: producer.agent, to: agent.agent, count: 0, required: false, falls: false };
        edge.count++;
        edge.required ||= strength === 'required';
        edge.falls ||= strength === 'required' && falling.has(keyOf(producer.agent, producer.number)) && falling.has(keyOf(agent.agent, interval));
        edges.set(key, edge);
      }
    }
    return [...edges.values()];
  }

  /** Why each agent falls: a function that tells the way from what was found wrong, step by step. */
  reasons(fall: Fall, entries: readonly LedgerEntry[]): (agent: string) => string[] {
    const falling = this.falling(fall);
    const causes = new Map<string, Cause | null>();
    const first = new Map<string, string>();
    const queue: string[] = [];
    const reach = (agent: string, number: number, cause: Cause | null) => {
      const key = keyOf(agent, number);
      if (causes.has(key)) return;
      causes.set(key, cause);
      if (!first.has(agent)) first.set(agent, key);
      queue.push(key);
    };
    for (const suspect of fall.suspects) reach(suspect.agent, suspect.number, null);
    for (let i = 0; i < queue.length; i++) {
      const key = queue[i]!;
      const agent = key.slice(0, key.lastIndexOf('/'));
      const number = Number(key.slice(key.lastIndexOf('/') + 1));
      for (const interval of this.agents.get(agent)?.intervals ?? []) {
        if (interval.number > number && falling.has(keyOf(agent, interval.number))) reach(agent, interval.number, { from: key, dependency: null });
      }
      for (const { agent: consumer, dependency } of this.consumers.get(key) ?? []) {
        if (dependency.strength === 'required' && falling.has(keyOf(consumer, dependency.interval))) reach(consumer, dependency.interval, { from: key, dependency });
      }
    }

    return (agent) => {
      const steps: string[] = [];
      for (let key = first.get(agent); key !== undefined;) {
        const cause: Cause | null = causes.get(key) ?? null;
        steps.unshift(cause === null ? `${key} ${signalText(key, entries)}` : this.stepText(key, cause));
        key = cause?.from;
      }
      return steps.length > 0 ? steps : fall.targets[agent] === undefined ? [] : ['Its votes say so; the journals that are shown do not reach back to why.'];
    };
  }

  private stepText(key: string, cause: Cause): string {
    if (cause.dependency === null) return `${key} came after ${cause.from}, with a state that builds on it`;
    const { message, kind, producer } = cause.dependency;
    if (message === undefined || message === null) return `${key} declared that it used ${cause.from} (${words(kind)})`;
    const type = this.agents.get(producer.agent)?.sends.find((sent) => sent.sequence === message)?.type ?? 'a message';
    return `${key} consumed ${type} from ${cause.from}${kind === 'message' ? '' : ` (${words(kind)})`}`;
  }
}

function signalText(suspect: string, entries: readonly LedgerEntry[]): string {
  const signals = entries.filter((entry) => entry.kind === 'signal_accepted' && entry.body['suspect'] === suspect);
  if (signals.length === 0) return 'is what was asked about';
  return signals.map(({ actor, body }) => `was found wrong by ${actor}: ${words(String(body['reason']))}${body['detail'] ? ` – “${body['detail']}”` : ''}`).join('; ');
}
