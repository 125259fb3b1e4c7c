// Deliberate faults: `mutant` is the number of one, or 0. Each must be caught (check.sh --mutants).
enum Mutant {
  Faithful,
  SkipTheEpochCheck,
  DecideBeforeAllVotes,
  CompensateInForwardOrder,
  ReleaseBeforeRestored,
  ConsumeWhatIsUndone,
  PresumeAbortUnchecked,
  AppendUnconditionally,
  CommitBeforeItIsDurable,
  CompensateAgainWhatIsSettled,
  KeepTheIncarnation,
  DropInTransit,
  LeaveThePromiseAlone,
  VoteForTheNewestPlanOnly,
  CountBusyAsVote,
  NeverRepeat,
  ReleaseWithoutBelow,
  WorkWhileFenced,
  NeverLookAtTheLog, // an instance that does not write never hears that another has written
  RunAgainWhatHasFailed, // for every copy of the request
  ForgetTheTry           // a retry asks under the same number, which the participant takes for a repetition
}

param mutant: int;
param agentCount: int;
param topology: int;       // 0 chain, 1 diamond, 2 circle
param signalCount: int;
param agentCrashMax: int;  // of all agents together
param coordinatorCrashMax: int; // deaths and take-overs together; with a take-over two are alive
param lossMax: int;
param copyMax: int;
param failureMax: int;     // of compensations
param policy: int;         // 0 a failed compensation is residue; 1 it escalates, and an operator retries; 2 he forces past who does not restore; 3 silence aborts

fun Is(fault: Mutant): bool { return mutant == (fault to int); }

fun Sometimes(each: int): bool { return choose(each) == 0; }
