// Promises, the decision, and what each participant makes of it.

// S4: a participant's target in a recovery never rises; the decision is what was promised last, and what is carried out.
spec S4_LineMonotone observes ePromised, eDecided, eDecisionLearnt, eRolledBack {
  var promised: map[(agent: int, recovery: int), int];
  var decided: map[int, map[int, int]];

  start state Watching {
    on ePromised do (e: (agent: int, recovery: int, plan: int, target: int)) {
      var key: (agent: int, recovery: int);
      key = (agent = e.agent, recovery = e.recovery);
      assert !(key in promised) || e.target <= promised[key], format("S4: agent {0} promises {1} after {2}", e.agent, e.target, promised[key]);
      promised[key] = e.target;
    }
    on eDecided do (e: (recovery: int, line: map[int, int])) {
      var agent: int;
      decided[e.recovery] = e.line;
      foreach (agent in keys(e.line)) {
        assert (agent = agent, recovery = e.recovery) in promised, format("S4: recovery {0} decides about agent {1}, which promised nothing", e.recovery, agent);
        assert promised[(agent = agent, recovery = e.recovery)] == e.line[agent],
          format("S4: recovery {0} decides {1} for agent {2}, which promised {3}", e.recovery, e.line[agent], agent, promised[(agent = agent, recovery = e.recovery)]);
      }
    }
    on eDecisionLearnt do (e: (agent: int, recovery: int, target: int)) { Check(e.agent, e.recovery, e.target); }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) { Check(e.agent, e.recovery, e.target); }
  }

  fun Check(agent: int, recovery: int, target: int) {
    assert recovery in decided && agent in decided[recovery] && decided[recovery][agent] == target,
      format("S4: agent {0} goes to {1} for recovery {2}, which has not decided that", agent, target, recovery);
  }
}

// S5: incarnations rise by one with each rollback, interval numbers rise, and none is used twice.
spec S5_Incarnations observes eIntervalOpened, eRolledBack {
  var incarnations: map[int, int];
  var numbers: map[int, int];

  start state Watching {
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) {
      assert !(e.agent in numbers) || e.number > numbers[e.agent], format("S5: agent {0} opens {1} after {2}", e.agent, e.number, numbers[e.agent]);
      assert !(e.agent in incarnations) || e.incarnation == incarnations[e.agent],
        format("S5: agent {0} opens an interval of incarnation {1} in {2}", e.agent, e.incarnation, incarnations[e.agent]);
      incarnations[e.agent] = e.incarnation;
      numbers[e.agent] = e.number;
    }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) {
      assert e.incarnation == incarnations[e.agent] + 1, format("S5: agent {0} goes from incarnation {1} to {2}", e.agent, incarnations[e.agent], e.incarnation);
      assert e.opens > numbers[e.agent], format("S5: agent {0} opens {1} after {2}", e.agent, e.opens, numbers[e.agent]);
      incarnations[e.agent] = e.incarnation;
      numbers[e.agent] = e.opens;
    }
  }
}

// S13: a recovery is decided once or aborted once, and no participant acts on the other.
spec S13_OneDecision observes eRecoveryOpened, eDecided, eEnded, eDecisionLearnt, ePromiseReleased, eRolledBack {
  var opened: set[int];
  var decided: set[int];
  var endings: map[int, Phase];

  start state Watching {
    on eRecoveryOpened do (e: (recovery: int, epoch: int)) {
      assert !(e.recovery in opened), format("S13: recovery {0} is opened twice", e.recovery);
      opened += (e.recovery);
    }
    on eDecided do (e: (recovery: int, line: map[int, int])) {
      assert !(e.recovery in decided) && !(e.recovery in endings), format("S13: recovery {0} is decided a second time, or after its end", e.recovery);
      decided += (e.recovery);
    }
    on eEnded do (e: (recovery: int, result: Phase, residue: set[tActionId], givenUp: set[int], nothing: bool)) {
      assert !(e.recovery in endings), format("S13: recovery {0} ends twice", e.recovery);
      assert (e.recovery in decided) == (e.result != Aborted), format("S13: recovery {0} ends {1}", e.recovery, e.result);
      endings[e.recovery] = e.result;
    }
    on ePromiseReleased do (e: (agent: int, recovery: int)) {
      assert e.recovery in endings && endings[e.recovery] == Aborted, format("S13: agent {0} leaves recovery {1}, which is not aborted", e.agent, e.recovery);
    }
    on eDecisionLearnt do (e: (agent: int, recovery: int, target: int)) {
      assert e.recovery in decided, format("S13: agent {0} learns of a decision of recovery {1} that was not taken", e.agent, e.recovery);
    }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) {
      assert e.recovery in decided, format("S13: agent {0} goes back for recovery {1}, which is not decided", e.agent, e.recovery);
    }
  }
}

// S14: nothing is compensated or restored before the decision is durable.
spec S14_WriteAhead observes eDecided, eDecisionLearnt, eCompensationCalled, eCompensationSettled, eRolledBack {
  var decided: set[int];

  start state Watching {
    on eDecided do (e: (recovery: int, line: map[int, int])) { decided += (e.recovery); }
    on eDecisionLearnt do (e: (agent: int, recovery: int, target: int)) { Check(e.agent, e.recovery, "hears a commit"); }
    on eCompensationCalled do (e: (agent: int, recovery: int, action: int)) { Check(e.agent, e.recovery, "compensates"); }
    on eCompensationSettled do (e: (agent: int, recovery: int, action: int, result: CompensationResult)) { Check(e.agent, e.recovery, "compensates"); }
    on eRolledBack do (e: (agent: int, recovery: int, target: int, incarnation: int, opens: int)) { Check(e.agent, e.recovery, "goes back"); }
  }

  fun Check(agent: int, recovery: int, does: string) {
    assert recovery in decided, format("S14: agent {0} {1} for recovery {2} before its decision is durable", agent, does, recovery);
  }
}

// S16: a fenced agent journals no work.
spec S16_Fence observes ePromised, ePromiseReleased, eReinstated, eIntervalOpened, eMessageConsumed, eMessageSent, eActionIntended, eActionSettled {
  var fenced: set[int];

  start state Watching {
    on ePromised do (e: (agent: int, recovery: int, plan: int, target: int)) { fenced += (e.agent); }
    on ePromiseReleased do (e: (agent: int, recovery: int)) { fenced -= (e.agent); }
    on eReinstated do (e: (agent: int, recovery: int, quarantined: bool)) { if (!e.quarantined) { fenced -= (e.agent); } }
    on eIntervalOpened do (e: (agent: int, number: int, incarnation: int)) { Check(e.agent); }
    on eMessageConsumed do (e: (agent: int, message: tMessageId, sentIn: int, required: bool)) { Check(e.agent); }
    on eMessageSent do (e: (agent: int, position: int, receiver: int)) { Check(e.agent); }
    on eActionIntended do (e: (agent: int, position: int, compensatable: bool)) { Check(e.agent); }
    on eActionSettled do (e: (agent: int, position: int, succeeded: bool)) { Check(e.agent); }
  }

  fun Check(agent: int) { assert !(agent in fenced), format("S16: agent {0} works while it is fenced", agent); }
}

// The fence of coordinators (draft, R-PAR-13, R-PAR-14): whoever has heard of a successor does not do what a predecessor says.
spec Epochs observes eObeyed, eFenceRaised, eRecoveryOpened, eResumed {
  var heard: map[int, int];
  var spoken: map[int, int];

  start state Watching {
    on eFenceRaised do (e: (agent: int, epoch: int)) {
      assert !(e.agent in heard) || e.epoch > heard[e.agent], format("Epochs: the fence of agent {0} sinks to {1}", e.agent, e.epoch);
      heard[e.agent] = e.epoch;
    }
    on eObeyed do (e: (agent: int, epoch: int)) {
      assert !(e.agent in heard) || e.epoch >= heard[e.agent], format("Epochs: agent {0} obeys epoch {1} after {2}", e.agent, e.epoch, heard[e.agent]);
    }
    on eRecoveryOpened do (e: (recovery: int, epoch: int)) { spoken[e.recovery] = e.epoch; }
    on eResumed do (e: (recovery: int, epoch: int)) {
      assert e.recovery in spoken && e.epoch > spoken[e.recovery], format("Epochs: recovery {0} is taken over with epoch {1}", e.recovery, e.epoch);
      spoken[e.recovery] = e.epoch;
    }
  }
}

// L1: every recovery ends, and nobody stays bound or barred.
spec L1_EveryRecoveryEnds observes eRecoveryOpened, eEnded, ePromised, ePromiseReleased, eBarred, eUnbarred, eReinstated {
  var open: set[int];
  var bound: set[int];
  var barred: set[(agent: int, recovery: int)];

  start cold state Quiet {
    on eRecoveryOpened do (e: (recovery: int, epoch: int)) { open += (e.recovery); goto Recovering; }
    on ePromised do (e: (agent: int, recovery: int, plan: int, target: int)) { bound += (e.agent); goto Recovering; }
    on eBarred do (e: (agent: int, recovery: int)) { barred += ((agent = e.agent, recovery = e.recovery)); goto Recovering; }
    ignore eEnded, ePromiseReleased, eUnbarred, eReinstated;
  }

  hot state Recovering {
    on eRecoveryOpened do (e: (recovery: int, epoch: int)) { open += (e.recovery); }
    on eEnded do (e: (recovery: int, result: Phase, residue: set[tActionId], givenUp: set[int], nothing: bool)) { open -= (e.recovery); Look(); }
    on ePromised do (e: (agent: int, recovery: int, plan: int, target: int)) {
      bound += (e.agent);
      barred -= ((agent = e.agent, recovery = e.recovery));
    }
    on ePromiseReleased do (e: (agent: int, recovery: int)) { bound -= (e.agent); Look(); }
    on eReinstated do (e: (agent: int, recovery: int, quarantined: bool)) { bound -= (e.agent); Look(); }
    on eBarred do (e: (agent: int, recovery: int)) { barred += ((agent = e.agent, recovery = e.recovery)); }
    on eUnbarred do (e: (agent: int, recovery: int)) { barred -= ((agent = e.agent, recovery = e.recovery)); Look(); }
  }

  fun Look() {
    if (sizeof(open) + sizeof(bound) + sizeof(barred) == 0) { goto Quiet; }
  }
}
