// What follows from a recovery's state: CoordinatorState, MemberState, CompensationOrder.

fun IsTerminal(phase: Phase): bool { return phase == Completed || phase == CompletedWithResidue || phase == Aborted; }

fun Falls(member: tMember): bool { return member.hasVoted && member.vote.answer == Ready; }

fun Targets(recovery: tRecovery): map[int, int] {
  var agent: int;
  var line: map[int, int];
  foreach (agent in keys(recovery.members)) {
    if (Falls(recovery.members[agent])) { line[agent] = recovery.members[agent].vote.target; }
  }
  return line;
}

fun GivenUp(recovery: tRecovery): set[int] {
  var agent: int;
  var found: set[int];
  foreach (agent in keys(recovery.members)) {
    if (recovery.members[agent].isGivenUp) { found += (agent); }
  }
  return found;
}

// Of the producers that the member was told not to rely upon, what is undone.
fun UndoneFor(recovery: tRecovery, member: tMember): seq[tUndoneRange] {
  var producer: int;
  var below: int;
  var found: seq[tUndoneRange];
  foreach (producer in keys(member.invalidated)) {
    if (Falls(recovery.members[producer])) {
      below = recovery.members[producer].opened;
      if (Is(ReleaseWithoutBelow)) { below = -1; }
      found += (sizeof(found), (producer = producer, first = recovery.members[producer].vote.target, below = below));
    }
  }
  return found;
}

// CompensationOrder.Of: for each action that needs it, those that are to be compensated before: all that come after it in its agent's journal, or after the
// consumption of what is sent after it (in the faulty order: before).
fun OrderOf(recovery: tRecovery): map[tActionId, set[tActionId]] {
  var traces: map[int, seq[tTraceEvent]];
  var agent: int;
  var i: int;
  var order: map[tActionId, set[tActionId]];
  foreach (agent in keys(recovery.members)) {
    if (Falls(recovery.members[agent])) { traces[agent] = recovery.members[agent].vote.trace; }
  }
  foreach (agent in keys(traces)) {
    i = 0;
    while (i < sizeof(traces[agent])) {
      if (traces[agent][i].needs) {
        order[(agent = agent, position = traces[agent][i].position)] = NextTo(traces, agent, i, default(set[tActionId]));
      }
      i = i + 1;
    }
  }
  return order;
}

fun NextTo(traces: map[int, seq[tTraceEvent]], agent: int, i: int, found: set[tActionId]): set[tActionId] {
  var other: int;
  var j: int;
  var step: int;
  var from: TraceKind;
  var towards: TraceKind;
  step = 1;
  from = Send;
  towards = Receipt;
  if (Is(CompensateInForwardOrder)) {
    step = -1;
    from = Receipt;
    towards = Send;
  }
  if (i + step >= 0 && i + step < sizeof(traces[agent])) { found = At(traces, agent, i + step, found); }
  if (traces[agent][i].kind != from) {
    return found;
  }
  foreach (other in keys(traces)) {
    j = 0;
    while (j < sizeof(traces[other])) {
      if (traces[other][j].kind == towards && traces[other][j].message == traces[agent][i].message) { found = At(traces, other, j, found); }
      j = j + 1;
    }
  }
  return found;
}

fun At(traces: map[int, seq[tTraceEvent]], agent: int, i: int, found: set[tActionId]): set[tActionId] {
  if (traces[agent][i].needs) { found += ((agent = agent, position = traces[agent][i].position)); }
  return NextTo(traces, agent, i, found);
}

// CompensationState.TryOf.
fun TryOf(recovery: tRecovery, action: tActionId): int {
  if (action in recovery.tries) { return recovery.tries[action]; }
  return 1;
}

// Actions that may be compensated now: all that depends on them is settled.
fun Ready(recovery: tRecovery): set[tActionId] {
  var action: tActionId;
  var other: tActionId;
  var waits: bool;
  var found: set[tActionId];
  foreach (action in keys(recovery.order)) {
    waits = action in recovery.settled;
    foreach (other in recovery.order[action]) {
      if (!(other in recovery.settled)) { waits = true; }
    }
    if (!waits) { found += (action); }
  }
  return found;
}
