// Runs the participant through draft/vectors/participant.json: node built/check_vectors.js ../../draft/vectors/participant.json
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { type Effect, History, type JournalRecord, Participant } from "./participant.js";

const journalRecord = (entry: any): JournalRecord =>
  "opens" in entry ? { event: "interval_opened", number: entry.opens, incarnation: 0 }
    : "consumes" in entry ? { event: "message_consumed", message: entry.consumes, sent_in: entry.sent_in, strength: "required", begins_turn: false }
    : "acts" in entry ? { event: "action_intended", name: entry.acts, class: entry.class, has_compensation: entry.has_compensation }
    : "settles" in entry ? { event: "action_settled", action: entry.settles, succeeded: entry.succeeded }
    : { event: "message_sent", to: entry.sends_to };

function take(participant: Participant, history: History, input: any): Effect[] | null {
  switch (input.event) {
    case "work": return participant.phase === "active" ? [] : null;
    case "silence": return participant.silence();
    case "settled": return participant.phase === "compensating" ? participant.compensated(input.action, input.try, input.result, input.attempts, input.detail) : null;
    default: return participant.take(input, history);
  }
}

function fault(sequence: any): string | null {
  const history = new History(vectors.agent);
  const participant = new Participant(vectors.agent);
  vectors.journal.forEach((entry: any) => history.apply(journalRecord(entry)));
  for (const step of sequence.steps) {
    const effects = take(participant, history, step.input);
    for (const effect of effects ?? []) {
      if ("write" in effect) {
        history.apply(effect.write);
        participant.after(effect.write);
      }
    }
    const isSame = isDeepStrictEqual(comparable(effects ?? []), comparable(step.outputs));
    if ((effects !== null) !== step.legal || participant.phase !== step.phase.toLowerCase() || !isSame) {
      return `${sequence.id} at ${JSON.stringify(step.input)}: ${JSON.stringify(effects)} and ${participant.phase}`;
    }
  }
  return null;
}

// Writes count, and their kind does not; resume and restore_to show in the phase.
function comparable(outputs: any[]): string[] {
  return outputs.flatMap(output => {
    if ("write" in output) return ["write"];
    if ("compensate" in output) return [JSON.stringify(output.compensate)];
    if (!("send" in output)) return [];
    const { ver: _, tenant: __, execution: ___, ...message } = output.send;
    return [sorted(message)];
  }).sort();
}

const sorted = (value: any): string => JSON.stringify(value, (_, inner) =>
  inner && typeof inner === "object" && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner);

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
const faults = vectors.sequences.map(fault).filter((found: string | null) => found !== null);
console.log([...faults.slice(0, 5), `${vectors.sequences.length - faults.length} of ${vectors.sequences.length} sequences`].join("\n"));
process.exitCode = faults.length > 0 ? 1 : 0;
