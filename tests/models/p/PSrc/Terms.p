// The words of the code (docs/glossary.md). An agent is a number from 0; the outside is agent -1, and never falls.

// Phases of participants and of coordinators: ParticipantPhase, CoordinatorPhase. Compensating is a word of both.
enum Phase {
  Active, Prepared, Compensating, Restored, Quarantined,
  Signalled, Preparing, Committed, Restoring, Escalated, Completed, CompletedWithResidue, Aborted
}

enum VoteKind { Ready, NotAffected, Busy }
enum CompensationResult { Compensated, Failed }
enum TraceKind { Send, Receipt, Action }

type tMessageId = (sender: int, position: int);
type tActionId = (agent: int, position: int);
type tMessage = (id: tMessageId, receiver: int, sentIn: int, hops: int);

// UndoneSend, UndoneReceipt and UndoneAction, in journal order. `needs`: an action that is done or in doubt, and so is compensated.
type tTraceEvent = (kind: TraceKind, position: int, message: tMessageId, receiver: int, needs: bool);
type tUndoneRange = (producer: int, first: int, below: int); // below -1: it does not go on
type tSignal = (id: int, agent: int, number: int);

type tVote = (recovery: int, epoch: int, agent: int, plan: int, answer: VoteKind, target: int, trace: seq[tTraceEvent], holder: int);
type tPrepare = (recovery: int, epoch: int, plan: int, suspects: set[int], invalidated: map[int, int]);
type tAbort = (recovery: int, epoch: int);
type tCommit = (recovery: int, epoch: int, target: int);
type tCompensate = (recovery: int, epoch: int, tryNumber: int, actions: set[int]);
type tCompensated = (recovery: int, epoch: int, agent: int, action: int, tryNumber: int, result: CompensationResult);
type tRestore = (recovery: int, epoch: int, residue: set[int]);
type tRestored = (recovery: int, epoch: int, agent: int, incarnation: int, opens: int);
type tRelease = (recovery: int, epoch: int, quarantine: bool, undone: seq[tUndoneRange]);
type tStatusQuery = (recovery: int, epoch: int, agent: int);

// Messages of the protocol (RecoveryMessageKind).
event ePrepare: tPrepare;
event eVote: tVote;
event eAbort: tAbort;
event eCommit: tCommit;
event eCompensate: tCompensate;
event eCompensated: tCompensated;
event eRestore: tRestore;
event eRestored: tRestored;
event eRelease: tRelease;
event eStatusQuery: tStatusQuery;

// Between agents, and from whoever signals or rules.
event eMessage: tMessage;
event eFailureSignal: tSignal;
event eRuled: Ruling;
enum Ruling { Retry, Force }

// What stands in agents' journals (AgentEventKind). The monitors see these, from the model and from exported logs alike.
event eIntervalOpened: (agent: int, number: int, incarnation: int);
event eMessageConsumed: (agent: int, message: tMessageId, sentIn: int, required: bool);
event eMessageSent: (agent: int, position: int, receiver: int);
event eActionIntended: (agent: int, position: int, compensatable: bool);
event eActionSettled: (agent: int, position: int, succeeded: bool);
event ePromised: (agent: int, recovery: int, plan: int, target: int);
event eBarred: (agent: int, recovery: int);
event eUnbarred: (agent: int, recovery: int);
event ePromiseReleased: (agent: int, recovery: int);
event eDecisionLearnt: (agent: int, recovery: int, target: int);
event eCompensationSettled: (agent: int, recovery: int, action: int, result: CompensationResult);
event eRolledBack: (agent: int, recovery: int, target: int, incarnation: int, opens: int);
event eReinstated: (agent: int, recovery: int, quarantined: bool);
event eFenceRaised: (agent: int, epoch: int);

// What stands in the execution's log.
event eRecoveryOpened: (recovery: int, epoch: int);
event eJoined: (recovery: int, agent: int, number: int);
event eResumed: (recovery: int, epoch: int);
event eDecided: (recovery: int, line: map[int, int]);
event eEnded: (recovery: int, result: Phase, residue: set[tActionId], givenUp: set[int], nothing: bool);
event eResidueNamed: (recovery: int, agent: int, action: int);

// What nobody journals: a compensation begins to run in the world; a participant does what a message of this epoch asks for.
event eCompensationCalled: (agent: int, recovery: int, action: int);
event eObeyed: (agent: int, epoch: int);
