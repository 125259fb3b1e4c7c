// One instance of the execution's coordinator: ExecutionDriver with ExecutionMachine and CoordinatorMachine. Every input is applied to a copy; what changed
// is appended to the log, under the condition that nobody else has written; then the effects are carried out.

type tCoordinatorSetup = (network: machine, log: machine, driver: machine);

event eReplaced;             // another instance has been started: this one lives on for a while
event eSignalTaken: int;
event eRecoveryEnded;
event eEscalated;
event eCoordinatorDied: machine;

machine Coordinator {
  var setup: tCoordinatorSetup;
  var history: tHistory;     // what this instance knows of the log
  var version: int;
  var epoch: int;            // its fence
  var isReplaced: bool;
  var inputsLeft: int;       // of a replaced one
  var deathAt: int;          // it dies after this durable write; -1: never
  var writeCount: int;

  // One input, before it is durable.
  var work: tHistory;
  var records: seq[tRecord];
  var effects: seq[tWire];

  start state Beginning {
    entry (given: (setup: tCoordinatorSetup, deathAt: int)) {
      setup = given.setup;
      deathAt = given.deathAt;
      Load();
      goto Driving;
    }
  }

  state Driving {
    entry {
      if (history.open != 0) {
        Resume(history.open);
      }
      Watch();
    }
    on eFailureSignal do (signal: tSignal) { if (Begin()) { OnSignalled(signal); if (End()) { send setup.driver, eSignalTaken, signal.id; } } Watch(); }
    on eVote do (vote: tVote) { if (BeginAbout(vote.recovery)) { OnVoted(vote); End(); } Watch(); }
    on eCompensated do (message: tCompensated) { if (BeginAbout(message.recovery)) { OnCompensated(message); End(); } Watch(); }
    on eRestored do (message: tRestored) { if (BeginAbout(message.recovery)) { OnRestored(message); End(); } Watch(); }
    on eStatusQuery do (question: tStatusQuery) {
      if (!(question.recovery in history.recoveries)) {
        PresumeAbort(question);
      } else if (BeginAbout(question.recovery)) {
        Outstanding(question.recovery, question.agent);
        End();
      }
      Watch();
    }
    on eRuled do (ruling: Ruling) { if (history.open != 0 && BeginAbout(history.open)) { OnRuled(ruling); End(); } Watch(); }
    on eTimer do {
      if (!Is(NeverLookAtTheLog) && Version() != version) {
        Lost();
      } else if (history.open != 0 && BeginAbout(history.open)) {
        OnTicked();
        End();
      }
      Watch();
    }
    on eReplaced do { isReplaced = true; inputsLeft = choose(10); }
  }

  // ---- The log.

  fun Load() {
    var highest: int;
    var recovery: tRecovery;
    send setup.log, eRead, this;
    receive { case eLogRead: (found: (version: int, history: tHistory)) { version = found.version; history = found.history; } }
    epoch = 1;
    foreach (recovery in values(history.recoveries)) {
      if (recovery.epoch >= highest) { highest = recovery.epoch; }
      epoch = highest + 1;
    }
  }

  fun Version(): int {
    var found: int;
    send setup.log, eRead, this;
    receive { case eLogRead: (now: (version: int, history: tHistory)) { found = now.version; } }
    return found;
  }

  fun Begin(): bool {
    if (isReplaced) {
      inputsLeft = inputsLeft - 1;
      if (inputsLeft < 0) {
        Die();
        return false;
      }
    }
    work = history;
    records = default(seq[tRecord]);
    effects = default(seq[tWire]);
    return true;
  }

  // What is said of a recovery is said under this instance's epoch: it resumes it first.
  fun BeginAbout(recovery: int): bool {
    if (!(recovery in history.recoveries) || !Begin()) {
      return false;
    }
    if (work.recoveries[recovery].epoch < epoch) {
      TakeOver(recovery);
    }
    return true;
  }

  fun TakeOver(recovery: int) {
    work.recoveries[recovery].epoch = epoch;
    Write(eResumed, (recovery = recovery, epoch = epoch));
    if (!IsTerminal(work.recoveries[recovery].phase)) {
      Outstanding(recovery, -1);
    }
  }

  fun Resume(recovery: int) {
    if (Begin()) {
      TakeOver(recovery);
      End();
    }
  }

  fun Write(what: event, body: any) { records += (sizeof(records), (what = what, body = body)); }

  fun Tell(receiver: int, what: event, body: any) { effects += (sizeof(effects), (receiver = receiver, what = what, body = body)); }

  // True when the input counts.
  fun End(): bool {
    var isDurable: bool;
    var effect: tWire;
    if (Is(CommitBeforeItIsDurable)) {
      CarryOut();
    }
    if (work != history) {
      send setup.log, eAppend, (who = this, version = version, history = work, records = records);
      receive { case eAppended: (done: bool) { isDurable = done; } }
      if (!isDurable) {
        Lost();
        return false;
      }
      version = version + 1;
      if (history.open != 0 && work.open == 0) {
        send setup.driver, eRecoveryEnded;
      }
      history = work;
      writeCount = writeCount + 1;
      if (writeCount - 1 == deathAt) {
        Die();
        return false;
      }
    }
    if (!Is(CommitBeforeItIsDurable)) {
      CarryOut();
    }
    if (history.open != 0 && history.recoveries[history.open].phase == Committed) {
      ConfirmDecision();
    }
    return true;
  }

  fun CarryOut() {
    var effect: tWire;
    foreach (effect in effects) { send setup.network, eWire, effect; }
    effects = default(seq[tWire]);
  }

  // Somebody else has written: this one reads the log again and takes over, or ends.
  fun Lost() {
    if (isReplaced && $) {
      Die();
      return;
    }
    Load();
    if (history.open != 0) {
      Resume(history.open);
    }
  }

  fun Die() {
    send setup.driver, eCoordinatorDied, this;
    raise halt;
  }

  fun Watch() {
    if (history.open != 0) {
      send setup.network, eTimerWanted, this;
    }
  }

  // ---- The execution's machine.

  fun OnSignalled(signal: tSignal) {
    if (signal.id in work.known) {
      return;
    }
    work.known += (signal.id);
    if (work.open != 0 && !work.isDecided) {
      work.recoveries[work.open].signals += (signal);
      Write(eJoined, (recovery = work.open, agent = signal.agent, number = signal.number));
      if (work.recoveries[work.open].epoch < epoch) { TakeOver(work.open); }
      AddSuspects(work.open);
      Close(work.open);
      return;
    }
    work.waiting += (signal);
    if (work.open == 0) {
      OpenRecovery();
    }
  }

  fun OpenRecovery() {
    var signal: tSignal;
    work.newest = work.newest + 1;
    work.open = work.newest;
    work.isDecided = false;
    work.recoveries[work.open] = (
      phase = Preparing, epoch = epoch, signals = work.waiting, plan = 0, members = default(map[int, tMember]), tryCount = 0,
      order = default(map[tActionId, set[tActionId]]), settled = default(set[tActionId]), failed = default(set[tActionId]), tries = default(map[tActionId, int]),
      residue = default(set[tActionId]));
    Write(eRecoveryOpened, (recovery = work.open, epoch = epoch));
    foreach (signal in work.waiting) {
      Write(eJoined, (recovery = work.open, agent = signal.agent, number = signal.number));
    }
    work.waiting = default(set[tSignal]);
    AddSuspects(work.open);
  }

  fun RecoveryEnded(recovery: int) {
    work.open = 0;
    if (sizeof(work.waiting) > 0) {
      OpenRecovery();
    }
  }

  // A recovery that the whole log does not know was never durable.
  fun PresumeAbort(question: tStatusQuery) {
    if (Is(PresumeAbortUnchecked) || Version() == version) {
      send setup.network, eWire, (receiver = question.agent, what = eAbort, body = (recovery = question.recovery, epoch = epoch));
    }
  }

  // ---- CoordinatorMachine.Preparing.

  fun AddSuspects(recovery: int) {
    var signal: tSignal;
    var toAsk: set[int];
    foreach (signal in work.recoveries[recovery].signals) {
      if (!(signal.agent in work.recoveries[recovery].members)) { AddMember(recovery, signal.agent); }
      if (!(signal.number in work.recoveries[recovery].members[signal.agent].suspects)) {
        work.recoveries[recovery].members[signal.agent].suspects += (signal.number);
        toAsk += (signal.agent);
      }
    }
    Ask(recovery, toAsk);
  }

  fun AddMember(recovery: int, agent: int) {
    work.recoveries[recovery].members[agent] = (suspects = default(set[int]), invalidated = default(map[int, int]), askedPlan = 0, hasVoted = false,
      vote = default(tVote), opened = -1, isGivenUp = false);
  }

  fun Ask(recovery: int, toAsk: set[int]) {
    var agent: int;
    if (sizeof(toAsk) == 0) {
      return;
    }
    work.recoveries[recovery].plan = work.recoveries[recovery].plan + 1;
    work.recoveries[recovery].tryCount = 0;
    foreach (agent in toAsk) {
      work.recoveries[recovery].members[agent].hasVoted = false;
      work.recoveries[recovery].members[agent].askedPlan = work.recoveries[recovery].plan;
      TellPrepare(recovery, agent);
    }
  }

  fun TellPrepare(recovery: int, agent: int) {
    var member: tMember;
    member = work.recoveries[recovery].members[agent];
    Tell(agent, ePrepare, (
      recovery = recovery, epoch = work.recoveries[recovery].epoch, plan = member.askedPlan, suspects = member.suspects, invalidated = member.invalidated));
  }

  fun OnVoted(vote: tVote) {
    var recovery: int;
    var toAsk: set[int];
    var undoneEvent: tTraceEvent;
    recovery = vote.recovery;
    if (work.recoveries[recovery].phase != Preparing) {
      if (IsTerminal(work.recoveries[recovery].phase)) { Outstanding(recovery, vote.agent); }
      return;
    }
    if (!(vote.agent in work.recoveries[recovery].members) || work.recoveries[recovery].members[vote.agent].hasVoted
        || vote.plan != work.recoveries[recovery].members[vote.agent].askedPlan) {
      return; // said twice, or about an older set
    }
    if (vote.answer == Busy && !Is(CountBusyAsVote)) {
      if (vote.holder in work.recoveries) { // the word of its end is still under way: said again
        if (work.recoveries[vote.holder].epoch < epoch) { TakeOver(vote.holder); }
        Outstanding(vote.holder, vote.agent);
      }
      return;
    }
    work.recoveries[recovery].members[vote.agent].hasVoted = true;
    work.recoveries[recovery].members[vote.agent].vote = vote;
    if (vote.answer == Ready) {
      foreach (undoneEvent in vote.trace) {
        if (undoneEvent.kind == Send) {
          if (!(undoneEvent.receiver in work.recoveries[recovery].members)) { AddMember(recovery, undoneEvent.receiver); }
          if (undoneEvent.receiver != vote.agent && (!(vote.agent in work.recoveries[recovery].members[undoneEvent.receiver].invalidated)
              || vote.target < work.recoveries[recovery].members[undoneEvent.receiver].invalidated[vote.agent])) {
            work.recoveries[recovery].members[undoneEvent.receiver].invalidated[vote.agent] = vote.target;
            toAsk += (undoneEvent.receiver);
          }
        }
      }
    }
    Ask(recovery, toAsk);
    Close(recovery);
  }

  // The set is closed when every member has answered for what it was last asked about.
  fun Close(recovery: int) {
    var member: tMember;
    foreach (member in values(work.recoveries[recovery].members)) {
      if (!member.hasVoted && !Is(DecideBeforeAllVotes)) {
        return;
      }
    }
    if (sizeof(Targets(work.recoveries[recovery])) == 0) {
      Abort(recovery, true);
      return;
    }
    work.recoveries[recovery].phase = Committed;
    work.recoveries[recovery].order = OrderOf(work.recoveries[recovery]);
    work.isDecided = true;
    Write(eDecided, (recovery = recovery, line = Targets(work.recoveries[recovery])));
    if (Is(CommitBeforeItIsDurable)) { SendCommits(recovery); }
  }

  fun Abort(recovery: int, nothing: bool) {
    work.recoveries[recovery].phase = Aborted;
    WriteEnd(recovery, nothing);
    Outstanding(recovery, -1);
    RecoveryEnded(recovery);
  }

  fun OnTicked() {
    var recovery: int;
    recovery = work.open;
    if (Is(NeverRepeat)) {
      return;
    }
    if (work.recoveries[recovery].phase == Preparing && policy == 3) {
      work.recoveries[recovery].tryCount = work.recoveries[recovery].tryCount + 1;
      if (work.recoveries[recovery].tryCount >= 2) {
        Abort(recovery, false);
        return;
      }
    }
    if (work.recoveries[recovery].phase == Escalated || (policy == 2 && work.recoveries[recovery].phase == Restoring)) {
      send setup.driver, eEscalated;
    }
    Outstanding(recovery, -1);
  }

  // ---- CoordinatorMachine.Undoing.

  fun SendCommits(recovery: int) {
    var agent: int;
    foreach (agent in keys(Targets(work.recoveries[recovery]))) {
      Tell(agent, eCommit, (recovery = recovery, epoch = work.recoveries[recovery].epoch, target = work.recoveries[recovery].members[agent].vote.target));
    }
  }

  // DecisionDurable: an input of its own, since the record that took the decision is durable now.
  fun ConfirmDecision() {
    var recovery: int;
    recovery = history.open;
    if (!Begin()) {
      return;
    }
    work.recoveries[recovery].phase = Compensating;
    SendCommits(recovery);
    TellCompensate(recovery, Ready(work.recoveries[recovery]));
    RestoreIfUndone(recovery);
    End();
  }

  fun TellCompensate(recovery: int, actions: set[tActionId]) {
    var agent: int;
    var action: tActionId;
    var tryNumber: int;
    var own: map[int, set[int]]; // by their tries
    foreach (agent in keys(work.recoveries[recovery].members)) {
      own = default(map[int, set[int]]);
      foreach (action in actions) {
        if (action.agent == agent) {
          tryNumber = TryOf(work.recoveries[recovery], action);
          if (!(tryNumber in own)) { own[tryNumber] = default(set[int]); }
          own[tryNumber] += (action.position);
        }
      }
      foreach (tryNumber in keys(own)) {
        Tell(agent, eCompensate, (recovery = recovery, epoch = work.recoveries[recovery].epoch, tryNumber = tryNumber, actions = own[tryNumber]));
      }
    }
  }

  fun OnCompensated(message: tCompensated) {
    var recovery: int;
    var action: tActionId;
    var before: set[tActionId];
    var freed: set[tActionId];
    recovery = message.recovery;
    action = (agent = message.agent, position = message.action);
    before = Ready(work.recoveries[recovery]);
    if ((work.recoveries[recovery].phase != Compensating && work.recoveries[recovery].phase != Escalated) || !(action in before)) {
      return; // said twice
    }
    if (message.result == Failed) {
      if (message.tryNumber < TryOf(work.recoveries[recovery], action)) {
        return; // of a try before the one that is under way
      }
      if (policy == 1) {
        work.recoveries[recovery].failed += (action);
        work.recoveries[recovery].phase = Escalated;
        return;
      }
      work.recoveries[recovery].residue += (action);
      Write(eResidueNamed, (recovery = recovery, agent = action.agent, action = action.position));
    }
    work.recoveries[recovery].settled += (action);
    work.recoveries[recovery].failed -= (action);
    if (sizeof(work.recoveries[recovery].failed) == 0) { work.recoveries[recovery].phase = Compensating; }
    foreach (action in Ready(work.recoveries[recovery])) {
      if (!(action in before)) { freed += (action); }
    }
    TellCompensate(recovery, freed);
    RestoreIfUndone(recovery);
  }

  fun RestoreIfUndone(recovery: int) {
    var agent: int;
    if (work.recoveries[recovery].phase != Compensating || sizeof(Ready(work.recoveries[recovery])) > 0) {
      return;
    }
    work.recoveries[recovery].phase = Restoring;
    work.recoveries[recovery].plan = work.recoveries[recovery].plan + 1;
    foreach (agent in keys(Targets(work.recoveries[recovery]))) {
      TellRestore(recovery, agent);
    }
    if (Is(ReleaseBeforeRestored)) { Finish(recovery); }
  }

  fun TellRestore(recovery: int, agent: int) {
    var action: tActionId;
    var residue: set[int];
    foreach (action in work.recoveries[recovery].residue) {
      if (action.agent == agent) { residue += (action.position); }
    }
    Tell(agent, eRestore, (recovery = recovery, epoch = work.recoveries[recovery].epoch, residue = residue));
  }

  fun OnRestored(message: tRestored) {
    var member: tMember;
    if (work.recoveries[message.recovery].phase != Restoring || !(message.agent in work.recoveries[message.recovery].members)) {
      return;
    }
    member = work.recoveries[message.recovery].members[message.agent];
    if (!Falls(member) || member.opened >= 0 || member.isGivenUp) {
      return;
    }
    work.recoveries[message.recovery].members[message.agent].opened = message.opens;
    FinishIfRestored(message.recovery);
  }

  fun FinishIfRestored(recovery: int) {
    var member: tMember;
    foreach (member in values(work.recoveries[recovery].members)) {
      if (Falls(member) && member.opened < 0 && !member.isGivenUp) {
        return;
      }
    }
    Finish(recovery);
  }

  fun Finish(recovery: int) {
    if (sizeof(work.recoveries[recovery].residue) + sizeof(GivenUp(work.recoveries[recovery])) > 0) {
      work.recoveries[recovery].phase = CompletedWithResidue;
    } else {
      work.recoveries[recovery].phase = Completed;
    }
    WriteEnd(recovery, false);
    Outstanding(recovery, -1);
    RecoveryEnded(recovery);
  }

  fun WriteEnd(recovery: int, nothing: bool) {
    Write(eEnded, (recovery = recovery, result = work.recoveries[recovery].phase, residue = work.recoveries[recovery].residue,
      givenUp = GivenUp(work.recoveries[recovery]), nothing = nothing));
  }

  fun OnRuled(ruling: Ruling) {
    var agent: int;
    var action: tActionId;
    var recovery: int;
    recovery = work.open;
    if (ruling == Retry && work.recoveries[recovery].phase == Escalated) {
      work.recoveries[recovery].phase = Compensating;
      if (!Is(ForgetTheTry)) {
        foreach (action in work.recoveries[recovery].failed) {
          work.recoveries[recovery].tries[action] = TryOf(work.recoveries[recovery], action) + 1;
        }
      }
      work.recoveries[recovery].failed = default(set[tActionId]);
      Outstanding(recovery, -1);
    } else if (ruling == Force && work.recoveries[recovery].phase == Restoring) {
      foreach (agent in keys(Targets(work.recoveries[recovery]))) {
        if (work.recoveries[recovery].members[agent].opened < 0) { work.recoveries[recovery].members[agent].isGivenUp = true; }
      }
      FinishIfRestored(recovery);
    }
  }

  // What has been asked and not answered, for one agent or (-1) for all.
  fun Outstanding(recovery: int, only: int) {
    var agent: int;
    foreach (agent in keys(work.recoveries[recovery].members)) {
      if (only < 0 || only == agent) {
        OutstandingFor(recovery, agent, work.recoveries[recovery].members[agent]);
      }
    }
  }

  fun OutstandingFor(recovery: int, agent: int, member: tMember) {
    var phase: Phase;
    var action: tActionId;
    var own: set[tActionId];
    phase = work.recoveries[recovery].phase;
    if (phase == Preparing && !member.hasVoted) {
      TellPrepare(recovery, agent);
    } else if ((phase == Compensating || phase == Escalated) && Falls(member)) {
      Tell(agent, eCommit, (recovery = recovery, epoch = work.recoveries[recovery].epoch, target = member.vote.target));
      foreach (action in Ready(work.recoveries[recovery])) {
        if (action.agent == agent && !(action in work.recoveries[recovery].failed)) { own += (action); }
      }
      TellCompensate(recovery, own);
    } else if (phase == Restoring && Falls(member) && member.opened < 0 && !member.isGivenUp) {
      Tell(agent, eCommit, (recovery = recovery, epoch = work.recoveries[recovery].epoch, target = member.vote.target));
      TellRestore(recovery, agent);
    } else if (phase == Completed || phase == CompletedWithResidue) {
      Tell(agent, eRelease, (
        recovery = recovery, epoch = work.recoveries[recovery].epoch, quarantine = member.isGivenUp, undone = UndoneFor(work.recoveries[recovery], member)));
    } else if (phase == Aborted) {
      Tell(agent, eAbort, (recovery = recovery, epoch = work.recoveries[recovery].epoch));
    }
  }
}
