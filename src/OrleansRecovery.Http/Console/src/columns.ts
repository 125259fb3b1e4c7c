import type { AgentPast, PastAction, PastDependency, PastInterval, PastSend } from './api';

/** Something that happened, and its column: whatever it rests on stands further left. */
export interface Moment {
  readonly sequence: number;
  column: number;
  readonly interval?: PastInterval;
  readonly send?: PastSend;
  readonly dependency?: PastDependency;
  readonly action?: PastAction;
}

/** The moments of the agents in columns: a send before its receipt, and a return after all that the recovery undid. */
export function arrange(agents: readonly AgentPast[]): { lanes: Map<string, Moment[]>; width: number } {
  const lanes = new Map(agents.map((agent) => [agent.agent, momentsOf(agent)]));
  const undoing = new Map(agents.map((agent) => [agent.agent, undoneBy(agent)]));
  const sends = new Map<string, Moment>();
  const left = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const [name, moments] of lanes) {
    for (const moment of moments) {
      if (moment.send) sends.set(`${name} ${moment.sequence}`, moment);
      const recovery = undoing.get(name)!(moment);
      if (recovery) left.set(recovery, (left.get(recovery) ?? 0) + 1);
    }
  }

  const next = new Map([...lanes.keys()].map((name) => [name, 0]));
  const last = new Map<string, number>();
  const recoveryOf = (name: string, moment: Moment) =>
    moment.interval?.cause === 'restore' ? agents.find((agent) => agent.agent === name)!.restores.find((restore) => restore.opens === moment.interval!.number)?.recovery : undefined;
  const after = (name: string, moment: Moment): number | null => {
    let column = (last.get(name) ?? 0) + 1;
    const { dependency } = moment;
    if (dependency) {
      const send = sends.get(`${dependency.producer.agent} ${dependency.message}`);
      if (send && send.column === 0) return null;
      if (send) column = Math.max(column, send.column + 1);
    }
    const recovery = recoveryOf(name, moment);
    if (recovery) {
      if ((left.get(recovery) ?? 0) > 0) return null;
      column = Math.max(column, (ends.get(recovery) ?? 0) + 2);
    }
    return column;
  };
  const put = (name: string, moment: Moment, column: number) => {
    moment.column = column;
    last.set(name, column);
    next.set(name, next.get(name)! + 1);
    const recovery = undoing.get(name)!(moment);
    if (recovery) {
      left.set(recovery, left.get(recovery)! - 1);
      ends.set(recovery, Math.max(ends.get(recovery) ?? 0, column));
    }
  };

  for (let moved = true; moved;) {
    moved = false;
    for (const [name, moments] of lanes) {
      for (let moment = moments[next.get(name)!]; moment; moment = moments[next.get(name)!]) {
        const column = after(name, moment);
        if (column === null) break;
        put(name, moment, column);
        moved = true;
      }
    }
    if (!moved) {
      // What it rests on is not among the lanes that are shown, or lies before what was read.
      const stuck = [...lanes].find(([name, moments]) => moments[next.get(name)!]);
      if (stuck) {
        put(stuck[0], stuck[1][next.get(stuck[0])!]!, (last.get(stuck[0]) ?? 0) + 1);
        moved = true;
      }
    }
  }
  return { lanes, width: Math.max(8, ...last.values()) + 2 };
}

function momentsOf(agent: AgentPast): Moment[] {
  return [
    ...agent.intervals.map((interval): Moment => ({ sequence: interval.sequence, column: 0, interval })),
    ...agent.sends.map((send): Moment => ({ sequence: send.sequence, column: 0, send })),
    ...agent.dependencies.map((dependency): Moment => ({ sequence: dependency.sequence, column: 0, dependency })),
    ...agent.actions.map((action): Moment => ({ sequence: action.sequence, column: 0, action })),
  ].sort((a, b) => a.sequence - b.sequence);
}

function undoneBy(agent: AgentPast): (moment: Moment) => string | undefined {
  const undone = new Map(agent.intervals.map((interval) => [interval.number, interval.undone]));
  return (moment) => undone.get((moment.interval?.number ?? moment.send?.interval ?? moment.dependency?.interval ?? moment.action?.interval)!);
}
