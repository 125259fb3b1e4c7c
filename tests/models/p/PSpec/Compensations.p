// What is undone in the world, how often, and in which order.

// S8, S9, S12: at the end of a recovery each action that fell is compensated once, or is residue; nothing else is compensated.
spec S8_CompensatedOnce observes eIntervalOpened, eActionIntended, eActionSettled, eRolledBack, eDecided, eCompensationCalled, eCompensationSettled, eEnded {
  var known: tHistories;
  var falling: map[int, set[tActionId]];
  var compensated: set[tActionId];

  start state Watching {
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) { known = Opened(known, e.agent, e.number); }
    on eActionIntended do (e: (agent: int, position: int, compensatable: bool)) { if (e.compensatable) { known = Intended(known, e.agent, e.position); } }
    on eActionSettled do (e: (agent: int, position: int, succeeded: bool)) { if (!e.succeeded) { known.failed += ((agent = e.agent, position = e.position)); } }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) { known = GoneBack(known, e.agent, e.target, e.opens); }
    on eDecided do (e: (recovery: int, line: map[int, int])) { falling[e.recovery] = Falling(known, e.line); }
    on eCompensationCalled do (e: (agent: int, recovery: int, action: int)) { Check(e.recovery, (agent = e.agent, position = e.action)); }
    on eCompensationSettled do (e: (agent: int, recovery: int, action: int, result: CompensationResult)) {
      Check(e.recovery, (agent = e.agent, position = e.action));
      if (e.result == Compensated) { compensated += ((agent = e.agent, position = e.action)); }
    }
    on eEnded do (e: (recovery: int, result: Phase, residue: set[tActionId], givenUp: set[int], nothing: bool)) {
      var action: tActionId;
      if (e.result == Aborted) { return; }
      assert e.result == CompletedWithResidue || sizeof(e.residue) + sizeof(e.givenUp) == 0, format("S12: recovery {0} hides residue", e.recovery);
      foreach (action in falling[e.recovery]) {
        assert action in compensated || action in e.residue, format("S8: recovery {0} ends and {1} is neither compensated nor residue", e.recovery, action);
      }
    }
  }

  fun Check(recovery: int, action: tActionId) {
    assert recovery in falling && action in falling[recovery], format("S9: {0} is compensated for recovery {1}, and does not fall", action, recovery);
    assert !(action in compensated), format("S8: {0} is compensated twice", action);
  }
}

// S12, in full: what is named as residue is not compensated. (What an operator gives up as unreachable may be, in the code; the model has no such ruling.)
spec S12_ResidueStands observes eCompensationSettled, eEnded {
  var compensated: set[tActionId];

  start state Watching {
    on eCompensationSettled do (e: (agent: int, recovery: int, action: int, result: CompensationResult)) {
      if (e.result == Compensated) { compensated += ((agent = e.agent, position = e.action)); }
    }
    on eEnded do (e: (recovery: int, result: Phase, residue: set[tActionId], givenUp: set[int], nothing: bool)) {
      var action: tActionId;
      foreach (action in e.residue) {
        assert !(action in compensated), format("S12: recovery {0} names {1} as residue, and it is compensated", e.recovery, action);
      }
    }
  }
}

// S10: an action is compensated after every action that fell and depends on it. What depends on what is told by vector clocks over the journals, and not by
// the traces of votes that the coordinator uses.
type tClock = map[int, int];

spec S10_Order observes eIntervalOpened, eMessageConsumed, eMessageSent, eActionIntended, eActionSettled, eRolledBack, eDecided,
    eCompensationCalled, eCompensationSettled, eResidueNamed {
  var known: tHistories;
  var count: int;                        // events so far: each agent's own part of its clock
  var clocks: map[int, tClock];
  var opening: map[(agent: int, number: int), tClock];
  var messages: map[tMessageId, tClock];
  var acted: map[tActionId, tClock];
  var falling: map[int, set[tActionId]];
  var settled: set[tActionId];

  start state Watching {
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) {
      known = Opened(known, e.agent, e.number);
      Tick(e.agent);
      opening[(agent = e.agent, number = e.number)] = clocks[e.agent];
    }
    on eMessageSent do (e: (agent: int, position: int, receiver: int)) {
      Tick(e.agent);
      messages[(sender = e.agent, position = e.position)] = clocks[e.agent];
    }
    on eMessageConsumed do (e: (agent: int, message: tMessageId, sentIn: int, required: bool)) {
      var other: int;
      if (e.required && e.message in messages) {
        foreach (other in keys(messages[e.message])) {
          if (!(other in clocks[e.agent]) || clocks[e.agent][other] < messages[e.message][other]) { clocks[e.agent][other] = messages[e.message][other]; }
        }
      }
      Tick(e.agent);
    }
    on eActionIntended do (e: (agent: int, position: int, compensatable: bool)) {
      Tick(e.agent);
      acted[(agent = e.agent, position = e.position)] = clocks[e.agent];
      if (e.compensatable) { known = Intended(known, e.agent, e.position); }
    }
    on eActionSettled do (e: (agent: int, position: int, succeeded: bool)) { if (!e.succeeded) { known.failed += ((agent = e.agent, position = e.position)); } }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) {
      known = GoneBack(known, e.agent, e.target, e.opens);
      if ((agent = e.agent, number = e.target) in opening) { clocks[e.agent] = opening[(agent = e.agent, number = e.target)]; }
      Tick(e.agent);
      opening[(agent = e.agent, number = e.opens)] = clocks[e.agent];
    }
    on eDecided do (e: (recovery: int, line: map[int, int])) { falling[e.recovery] = Falling(known, e.line); }
    on eCompensationCalled do (e: (agent: int, recovery: int, action: int)) { Check(e.recovery, (agent = e.agent, position = e.action)); }
    on eCompensationSettled do (e: (agent: int, recovery: int, action: int, result: CompensationResult)) {
      Check(e.recovery, (agent = e.agent, position = e.action));
      if (e.result == Compensated) { settled += ((agent = e.agent, position = e.action)); }
    }
    on eResidueNamed do (e: (recovery: int, agent: int, action: int)) { settled += ((agent = e.agent, position = e.action)); }
  }

  fun Tick(agent: int) {
    count = count + 1;
    if (!(agent in clocks)) { clocks[agent] = default(tClock); }
    clocks[agent][agent] = count;
  }

  fun Check(recovery: int, action: tActionId) {
    var other: tActionId;
    if (!(recovery in falling)) { return; } // S14 tells of it
    foreach (other in falling[recovery]) {
      assert other == action || other in settled || !(action.agent in acted[other]) || acted[other][action.agent] < acted[action][action.agent],
        format("S10: {0} is compensated before {1}, which depends on it", action, other);
    }
  }
}
