// What the monitors know of the agents' journals: the live intervals, and which numbers are undone (AgentHistory).

type tReceipt = (message: tMessageId, sentIn: int, required: bool);
type tWork = (number: int, consumed: seq[tReceipt], outgoing: map[tMessageId, int], actions: set[int]);
type tHistories = (live: map[int, seq[tWork]], undone: map[int, set[int]], failed: set[tActionId]);

fun Opened(known: tHistories, agent: int, number: int): tHistories {
  if (!(agent in known.live)) { known.live[agent] = default(seq[tWork]); }
  known.live[agent] += (sizeof(known.live[agent]),
    (number = number, consumed = default(seq[tReceipt]), outgoing = default(map[tMessageId, int]), actions = default(set[int])));
  return known;
}

fun Consumed(known: tHistories, agent: int, receipt: tReceipt): tHistories {
  var last: int;
  last = sizeof(known.live[agent]) - 1;
  known.live[agent][last].consumed += (sizeof(known.live[agent][last].consumed), receipt);
  return known;
}

fun Sent(known: tHistories, agent: int, seqNumber: int, receiver: int): tHistories {
  known.live[agent][sizeof(known.live[agent]) - 1].outgoing[(sender = agent, position = seqNumber)] = receiver;
  return known;
}

fun Intended(known: tHistories, agent: int, action: int): tHistories {
  known.live[agent][sizeof(known.live[agent]) - 1].actions += (action);
  return known;
}

fun GoneBack(known: tHistories, agent: int, target: int, opens: int): tHistories {
  var last: int;
  last = sizeof(known.live[agent]) - 1;
  if (!(agent in known.undone)) { known.undone[agent] = default(set[int]); }
  while (last >= 0 && known.live[agent][last].number >= target) {
    known.undone[agent] += (known.live[agent][last].number);
    known.live[agent] -= (last);
    last = last - 1;
  }
  return Opened(known, agent, opens);
}

fun IsUndone(known: tHistories, agent: int, number: int): bool { return agent in known.undone && number in known.undone[agent]; }

// The greatest consistent line below the suspects, by its definition (theory R2): who falls, and to which interval.
fun Line(known: tHistories, suspects: map[int, int]): map[int, int] {
  var line: map[int, int];
  var agent: int;
  var work: tWork;
  var receipt: tReceipt;
  var isDone: bool;
  foreach (agent in keys(known.live)) {
    foreach (work in known.live[agent]) {
      if (agent in suspects && work.number >= suspects[agent] && !(agent in line)) { line[agent] = work.number; }
    }
  }
  while (!isDone) {
    isDone = true;
    foreach (agent in keys(known.live)) {
      foreach (work in known.live[agent]) {
        foreach (receipt in work.consumed) {
          if (receipt.required && receipt.message.sender in line && receipt.sentIn >= line[receipt.message.sender]
              && (!(agent in line) || work.number < line[agent])) {
            line[agent] = work.number;
            isDone = false;
          }
        }
      }
    }
  }
  return line;
}

// The actions that a decision undoes, and that can be undone.
fun Falling(known: tHistories, line: map[int, int]): set[tActionId] {
  var agent: int;
  var work: tWork;
  var action: int;
  var found: set[tActionId];
  foreach (agent in keys(line)) {
    foreach (work in known.live[agent]) {
      if (work.number >= line[agent]) {
        foreach (action in work.actions) {
          if (!((agent = agent, position = action) in known.failed)) { found += ((agent = agent, position = action)); }
        }
      }
    }
  }
  return found;
}
