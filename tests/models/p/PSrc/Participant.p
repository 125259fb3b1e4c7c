// One agent: its work, and its part in recoveries (ParticipantMachine, ParticipantState, UndoEstimate). What is durable is the fold of its journal; each
// Append is one durable write, after which the process may die: then what it would have said is lost, and so is what only ran.

type tIntervalWork = (number: int, consumed: seq[tMessage], events: seq[tTraceEvent]);
type tSettled = (tryNumber: int, result: CompensationResult); // CompensationSettled
type tBarrier = (plan: int, ranges: map[int, int]);
// It dies after these durable writes, and these of its compensations fail, counted from 0.
type tParticipantSetup = (me: int, network: machine, driver: machine, recipients: seq[int], deaths: set[int], failures: set[int]);

event eWork;
event eTurnEnded: (agent: int, number: int);
event eCompensationEnded: (life: int, recovery: int, action: int, tryNumber: int, result: CompensationResult);

machine Participant {
  var setup: tParticipantSetup;
  var me: int;

  // Durable.
  var incarnation: int;
  var current: int;
  var next: int;
  var live: seq[tIntervalWork];
  var isInTurn: bool;
  var phase: Phase;
  var epoch: int;
  var promise: tVote;       // while phase is none of Active and Quarantined
  var settled: map[int, tSettled];
  var fromQuarantine: bool;
  var lastRestored: tRestored; // recovery 0: none
  var barriers: map[int, tBarrier];
  var barredVotes: map[int, tVote];
  var ended: set[int];
  var undone: seq[tUndoneRange];
  var inbox: map[tMessageId, tMessage]; // what stands in the journals of others

  // Volatile.
  var running: set[int];
  var life: int;
  var isWorkDue: bool;

  var writeCount: int;
  var callCount: int;

  start state Working {
    entry (given: tParticipantSetup) {
      setup = given;
      me = given.me;
      next = 1;
      phase = Active;
      live += (0, (number = 0, consumed = default(seq[tMessage]), events = default(seq[tTraceEvent])));
      announce eIntervalOpened, (agent = me, number = 0, incarnation = 0);
    }
    on eMessage do (message: tMessage) {
      inbox[message.id] = message;
      Resume();
    }
    on eWork do Work;
    on ePrepare do (message: tPrepare) { if (Heard(message.epoch)) { OnPrepare(message); } Watch(); }
    on eAbort do (message: tAbort) { if (Heard(message.epoch)) { OnAbort(message); } Watch(); }
    on eCommit do (message: tCommit) { if (Heard(message.epoch)) { OnCommit(message); } Watch(); }
    on eCompensate do (message: tCompensate) { if (Heard(message.epoch)) { OnCompensate(message); } Watch(); }
    on eRestore do (message: tRestore) { if (Heard(message.epoch)) { OnRestore(message); } Watch(); }
    on eRelease do (message: tRelease) { if (Heard(message.epoch)) { OnRelease(message); } Watch(); }
    on eCompensationEnded do (end: (life: int, recovery: int, action: int, tryNumber: int, result: CompensationResult)) { OnSettled(end); Watch(); }
    on eTimer do { OnSilence(); Watch(); }
  }

  // ---- The agent's work: a turn is an interval, in two durable writes with the action between them.

  fun Work() {
    isWorkDue = false;
    if (phase != Active && !Is(WorkWhileFenced)) {
      return;
    }
    if (isInTurn) {
      EndTurn();
    } else {
      BeginTurn();
    }
    Resume();
  }

  fun BeginTurn() {
    var pending: seq[tMessageId];
    var work: tIntervalWork;
    var message: tMessage;
    pending = Pending();
    if (sizeof(pending) == 0) {
      return;
    }
    message = inbox[choose(pending)];
    current = current + 1;
    work = (number = current, consumed = default(seq[tMessage]), events = default(seq[tTraceEvent]));
    work.consumed += (0, message);
    work.events += (0, (kind = Receipt, position = next, message = message.id, receiver = me, needs = false));
    work.events += (1, (kind = Action, position = next + 1, message = message.id, receiver = me, needs = true));
    live += (sizeof(live), work);
    isInTurn = true;
    announce eIntervalOpened, (agent = me, number = current, incarnation = incarnation);
    announce eMessageConsumed, (agent = me, message = message.id, sentIn = message.sentIn, required = true);
    announce eActionIntended, (agent = me, position = next + 1, compensatable = true);
    next = next + 2;
    Crashes();
  }

  fun EndTurn() {
    var i: int;
    var last: int;
    var message: tMessage;
    last = sizeof(live) - 1;
    isInTurn = false;
    announce eActionSettled, (agent = me, position = next - 1, succeeded = true);
    next = next + 1;
    while (i < sizeof(setup.recipients) && live[last].consumed[0].hops > 0) {
      message = (id = (sender = me, position = next), receiver = setup.recipients[i], sentIn = current, hops = live[last].consumed[0].hops - 1);
      live[last].events += (sizeof(live[last].events), (kind = Send, position = next, message = message.id, receiver = message.receiver, needs = false));
      announce eMessageSent, (agent = me, position = next, receiver = message.receiver);
      Tell(message.receiver, eMessage, message); // durable, and so not lost by a crash
      next = next + 1;
      i = i + 1;
    }
    send setup.driver, eTurnEnded, (agent = me, number = current);
    Crashes();
  }

  // ExecutionIndex.Pending, and what the participant's state keeps it from consuming (ParticipantState.Bars).
  fun Pending(): seq[tMessageId] {
    var found: seq[tMessageId];
    var id: tMessageId;
    foreach (id in keys(inbox)) {
      if (!IsConsumed(id) && !Bars(inbox[id])) {
        found += (sizeof(found), id);
      }
    }
    return found;
  }

  fun IsConsumed(id: tMessageId): bool {
    var work: tIntervalWork;
    foreach (work in live) {
      if (sizeof(work.consumed) > 0 && work.consumed[0].id == id) {
        return true;
      }
    }
    return false;
  }

  fun Bars(message: tMessage): bool {
    var barrier: tBarrier;
    var range: tUndoneRange;
    if (Is(ConsumeWhatIsUndone)) {
      return false;
    }
    foreach (barrier in values(barriers)) {
      if (message.id.sender in barrier.ranges && message.sentIn >= barrier.ranges[message.id.sender]) {
        return true;
      }
    }
    foreach (range in undone) {
      if (range.producer == message.id.sender && message.sentIn >= range.first && (range.below < 0 || message.sentIn < range.below)) {
        return true;
      }
    }
    return false;
  }

  // ---- The participant's table. First what holds for every message: the fence.

  fun Heard(told: int): bool {
    if (told < epoch && !Is(SkipTheEpochCheck)) {
      return false;
    }
    announce eObeyed, (agent = me, epoch = told);
    if (told > epoch) {
      epoch = told; // durable with what follows, or by itself
      announce eFenceRaised, (agent = me, epoch = told);
    }
    return true;
  }

  fun IsPromised(recovery: int): bool { return phase != Active && phase != Quarantined && promise.recovery == recovery; }

  fun OnPrepare(message: tPrepare) {
    var first: int;
    var vote: tVote;
    if (message.recovery in ended) {
      return;
    }
    if (phase != Active && phase != Quarantined) {
      if (promise.recovery != message.recovery) {
        vote = Answer(message, Busy);
        vote.holder = promise.recovery;
        Tell(-1, eVote, vote);
        return;
      }
      if (phase != Prepared || promise.plan >= message.plan) {
        vote = promise;
        vote.epoch = message.epoch;
        Tell(-1, eVote, vote);
        return;
      }
    }
    if (message.recovery in barriers && barriers[message.recovery].plan >= message.plan) {
      vote = barredVotes[message.recovery];
      vote.epoch = message.epoch;
      Tell(-1, eVote, vote);
      return;
    }
    first = FirstAffected(message);
    if (first < 0) {
      assert !IsPromised(message.recovery), "A promise cannot become unaffected: line only fall.";
      vote = Answer(message, NotAffected);
      barriers[message.recovery] = (plan = message.plan, ranges = message.invalidated);
      barredVotes[message.recovery] = vote;
      announce eBarred, (agent = me, recovery = message.recovery);
    } else {
      vote = Answer(message, Ready);
      vote.target = live[first].number;
      vote.trace = Trace(first);
      fromQuarantine = phase == Quarantined || (phase == Prepared && fromQuarantine);
      promise = vote;
      settled = default(map[int, tSettled]);
      phase = Prepared;
      Unbar(message.recovery);
      announce ePromised, (agent = me, recovery = vote.recovery, plan = vote.plan, target = vote.target);
    }
    if (!Crashes()) {
      Tell(-1, eVote, vote);
    }
  }

  fun Answer(message: tPrepare, answer: VoteKind): tVote {
    return (recovery = message.recovery, epoch = message.epoch, agent = me, plan = message.plan, answer = answer, target = current + 1,
      trace = default(seq[tTraceEvent]), holder = 0);
  }

  // The first live interval that is suspect, or consumed what falls: the position in `live`, or -1.
  fun FirstAffected(message: tPrepare): int {
    var i: int;
    while (i < sizeof(live)) {
      if (live[i].number in message.suspects && !(Is(VoteForTheNewestPlanOnly) && message.plan > 1)) {
        return i;
      }
      if (sizeof(live[i].consumed) > 0 && live[i].consumed[0].id.sender in message.invalidated
          && live[i].consumed[0].sentIn >= message.invalidated[live[i].consumed[0].id.sender]) {
        return i;
      }
      i = i + 1;
    }
    return -1;
  }

  fun Trace(first: int): seq[tTraceEvent] {
    var i: int;
    var found: tTraceEvent;
    var trace: seq[tTraceEvent];
    i = first;
    while (i < sizeof(live)) {
      foreach (found in live[i].events) {
        trace += (sizeof(trace), found);
      }
      i = i + 1;
    }
    return trace;
  }

  fun OnAbort(message: tAbort) {
    if (IsPromised(message.recovery) && phase == Prepared) {
      ReleasePromise();
      return;
    }
    LiftBarrier(message.recovery, default(seq[tUndoneRange]));
  }

  fun ReleasePromise() {
    announce ePromiseReleased, (agent = me, recovery = promise.recovery);
    ended += (promise.recovery);
    if (fromQuarantine) { phase = Quarantined; } else { phase = Active; }
    Crashes();
    Resume();
  }

  fun OnCommit(message: tCommit) {
    if (!IsPromised(message.recovery)) {
      if (lastRestored.recovery == message.recovery) { RepeatRestored(message.recovery, message.epoch); } else { Ask(message.recovery); }
      return;
    }
    assert message.target == promise.target, format("agent {0}: commit to {1}, promised {2}", me, message.target, promise.target);
    if (phase == Prepared) {
      phase = Compensating;
      announce eDecisionLearnt, (agent = me, recovery = message.recovery, target = message.target);
      Crashes();
    } else {
      RepeatRestored(message.recovery, message.epoch);
    }
  }

  fun OnCompensate(message: tCompensate) {
    var action: int;
    if (!IsPromised(message.recovery) || phase == Prepared) {
      Ask(message.recovery);
      return;
    }
    foreach (action in message.actions) {
      if (HasEnded(action, message.tryNumber)) {
        Tell(-1, eCompensated, (recovery = message.recovery, epoch = message.epoch, agent = me, action = action, tryNumber = settled[action].tryNumber,
          result = settled[action].result));
      } else if (phase == Compensating && !(action in running)) {
        running += (action);
        Compensate(action, message.tryNumber);
      }
    }
  }

  // CompensationSettled.Ends: nothing more is run for this try.
  fun HasEnded(action: int, tryNumber: int): bool {
    if (!(action in settled)) {
      return false;
    }
    if (settled[action].result == Compensated) {
      return !Is(CompensateAgainWhatIsSettled);
    }
    return settled[action].tryNumber >= tryNumber && !Is(RunAgainWhatHasFailed);
  }

  // In the world: it runs to an end, or fails after all its attempts.
  fun Compensate(action: int, tryNumber: int) {
    announce eCompensationCalled, (agent = me, recovery = promise.recovery, action = action);
    callCount = callCount + 1;
    if (callCount - 1 in setup.failures) {
      send this, eCompensationEnded, (life = life, recovery = promise.recovery, action = action, tryNumber = tryNumber, result = Failed);
    } else {
      send this, eCompensationEnded, (life = life, recovery = promise.recovery, action = action, tryNumber = tryNumber, result = Compensated);
    }
  }

  fun OnSettled(end: (life: int, recovery: int, action: int, tryNumber: int, result: CompensationResult)) {
    if (end.life != life || !(end.action in running)) {
      return; // of a process that is no more
    }
    running -= (end.action);
    if (phase != Compensating || promise.recovery != end.recovery) {
      return; // illegal here: refused
    }
    settled[end.action] = (tryNumber = end.tryNumber, result = end.result);
    announce eCompensationSettled, (agent = me, recovery = end.recovery, action = end.action, result = end.result);
    if (!Crashes()) {
      Tell(-1, eCompensated, (recovery = end.recovery, epoch = epoch, agent = me, action = end.action, tryNumber = end.tryNumber, result = end.result));
    }
  }

  fun OnRestore(message: tRestore) {
    if (!IsPromised(message.recovery)) {
      if (lastRestored.recovery == message.recovery) { RepeatRestored(message.recovery, message.epoch); } else { Ask(message.recovery); }
      return;
    }
    if (phase == Prepared) {
      Ask(message.recovery);
      return;
    }
    if (phase == Compensating) {
      RollBack(message.recovery);
      phase = Restored;
      if (Crashes()) {
        return;
      }
    }
    RepeatRestored(message.recovery, message.epoch);
  }

  // One durable write: what is from the target on is undone, the incarnation rises, an interval with a new number is open.
  fun RollBack(recovery: int) {
    var consumed: tMessage;
    var last: int;
    last = sizeof(live) - 1;
    while (last >= 0 && live[last].number >= promise.target) {
      if (Is(DropInTransit)) {
        foreach (consumed in live[last].consumed) { inbox -= (consumed.id); }
      }
      live -= (last);
      last = last - 1;
    }
    if (!Is(KeepTheIncarnation)) {
      incarnation = incarnation + 1;
    }
    current = current + 1;
    next = next + 1;
    isInTurn = false;
    live += (sizeof(live), (number = current, consumed = default(seq[tMessage]), events = default(seq[tTraceEvent])));
    lastRestored = (recovery = recovery, epoch = 0, agent = me, incarnation = incarnation, opens = current);
    announce eRolledBack, (agent = me, recovery = recovery, target = promise.target, incarnation = incarnation, opens = current);
  }

  fun OnRelease(message: tRelease) {
    if (!IsPromised(message.recovery)) {
      LiftBarrier(message.recovery, message.undone);
      return;
    }
    if (phase != Restored) {
      if (!message.quarantine) {
        Ask(message.recovery);
        return;
      }
      RollBack(message.recovery);
    }
    Learn(message.undone);
    ended += (message.recovery);
    if (message.quarantine || fromQuarantine) { phase = Quarantined; } else { phase = Active; }
    announce eReinstated, (agent = me, recovery = message.recovery, quarantined = phase == Quarantined);
    Crashes();
    Resume();
  }

  fun LiftBarrier(recovery: int, ranges: seq[tUndoneRange]) {
    if (recovery in barriers) {
      Unbar(recovery);
      Learn(ranges);
      ended += (recovery);
      announce eUnbarred, (agent = me, recovery = recovery);
      Crashes();
      Resume();
    }
  }

  fun Unbar(recovery: int) {
    if (recovery in barriers) {
      barriers -= (recovery);
      barredVotes -= (recovery);
    }
  }

  fun Learn(ranges: seq[tUndoneRange]) {
    var range: tUndoneRange;
    foreach (range in ranges) { undone += (sizeof(undone), range); }
  }

  fun OnSilence() {
    var recovery: int;
    foreach (recovery in keys(barriers)) { Ask(recovery); }
    if (phase != Active && phase != Quarantined) {
      if (Is(LeaveThePromiseAlone) && phase == Prepared && Sometimes(3)) {
        ReleasePromise();
        return;
      }
      Ask(promise.recovery);
    }
  }

  fun Ask(recovery: int) { Tell(-1, eStatusQuery, (recovery = recovery, epoch = epoch, agent = me)); }

  fun RepeatRestored(recovery: int, told: int) {
    if (lastRestored.recovery == recovery) {
      Tell(-1, eRestored, (recovery = recovery, epoch = told, agent = me, incarnation = lastRestored.incarnation, opens = lastRestored.opens));
    }
  }

  // ---- The process.

  fun Tell(receiver: int, what: event, body: any) { send setup.network, eWire, (receiver = receiver, what = what, body = body); }

  // It may die after the write: what only ran is gone, and the next one asks about what it is in the midst of (Reawaken).
  fun Crashes(): bool {
    writeCount = writeCount + 1;
    if (writeCount - 1 in setup.deaths) {
      running = default(set[int]);
      life = life + 1;
      OnSilence();
      Resume();
      return true;
    }
    return false;
  }

  fun Resume() {
    if (!isWorkDue && (phase == Active || Is(WorkWhileFenced)) && (isInTurn || sizeof(Pending()) > 0)) {
      isWorkDue = true;
      send this, eWork;
    }
  }

  fun Watch() {
    if (sizeof(barriers) > 0 || (phase != Active && phase != Quarantined)) {
      send setup.network, eTimerWanted, this;
    }
  }
}
