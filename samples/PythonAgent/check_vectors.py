"""Runs the participant through draft/vectors/participant.json: python3 check_vectors.py ../../draft/vectors/participant.json"""
import json
import sys

from participant import History, Participant


def journal_record(entry, agent):
    if "opens" in entry:
        return {"event": "interval_opened", "number": entry["opens"], "incarnation": 0}
    if "consumes" in entry:
        return {"event": "message_consumed", "message": entry["consumes"], "sent_in": entry["sent_in"], "strength": "required", "begins_turn": False}
    if "acts" in entry:
        return {"event": "action_intended", "name": entry["acts"], "class": entry["class"], "has_compensation": entry["has_compensation"]}
    if "settles" in entry:
        return {"event": "action_settled", "action": entry["settles"], "succeeded": entry["succeeded"]}
    return {"event": "message_sent", "to": entry["sends_to"]}


def run(vectors, sequence):
    history, participant = History(vectors["agent"]), Participant(vectors["agent"])
    for entry in vectors["journal"]:
        history.apply(journal_record(entry, vectors["agent"]))
    for step in sequence["steps"]:
        given, said = step["input"], []
        if given.get("event") == "work":
            effects = [] if participant.phase == "active" else None
        elif given.get("event") == "silence":
            effects = participant.silence()
        elif given.get("event") == "settled":
            effects = participant.compensated(given["action"], given["try"], given["result"], given["attempts"], given.get("detail")) if participant.phase == "compensating" else None
        else:
            effects = participant.take(given, history)
        for kind, what in effects or []:
            if kind == "write":
                history.apply(what)
                participant.after(what)
                said.append("write")
            else:
                said.append((kind, what))
        if (effects is not None) != step["legal"] or participant.phase != step["phase"].lower() or not same(said, step["outputs"]):
            return f"{sequence['id']} at {given}: {said} and {participant.phase}, but {step['outputs']} and {step['phase']}"
    return None


def same(said, outputs):
    """Writes count, and their kind does not; resume and restore_to show in the phase."""
    envelope = {"ver", "tenant", "execution"}
    expected = []
    for output in outputs:
        if "write" in output:
            expected.append("write")
        elif "send" in output:
            expected.append(("send", {name: value for name, value in output["send"].items() if name not in envelope}))
        elif "compensate" in output:
            expected.append(("compensate", output["compensate"]))
    return ordered(said) == ordered(expected)


def ordered(outputs):
    return [json.dumps(output, sort_keys=True) for output in outputs if output == "write"] + sorted(
        json.dumps(output, sort_keys=True) for output in outputs if output != "write")


vectors = json.load(open(sys.argv[1], encoding="utf-8"))
faults = [fault for fault in (run(vectors, sequence) for sequence in vectors["sequences"]) if fault]
print(*faults[:5], f"{len(vectors['sequences']) - len(faults)} of {len(vectors['sequences'])} sequences", sep="\n")
sys.exit(1 if faults else 0)
