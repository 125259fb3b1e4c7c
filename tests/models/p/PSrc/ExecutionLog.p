// The execution's log: one stream, whose appends name the version that they follow. What it holds is the fold (ExecutionHistory); `records` is what an
// append adds to it, for the monitors.

type tMember = (suspects: set[int], invalidated: map[int, int], askedPlan: int, hasVoted: bool, vote: tVote, opened: int, isGivenUp: bool);
type tRecovery = (
  phase: Phase, epoch: int, signals: set[tSignal], plan: int, members: map[int, tMember], tryCount: int,
  order: map[tActionId, set[tActionId]], settled: set[tActionId], failed: set[tActionId], tries: map[tActionId, int],
  residue: set[tActionId]);

// ExecutionState and CoordinatorState of every recovery. `open` 0: none.
type tHistory = (recoveries: map[int, tRecovery], open: int, isDecided: bool, waiting: set[tSignal], known: set[int], newest: int);
type tRecord = (what: event, body: any);

event eAppend: (who: machine, version: int, history: tHistory, records: seq[tRecord]);
event eAppended: bool;
event eRead: machine;
event eLogRead: (version: int, history: tHistory);

machine ExecutionLog {
  var version: int;
  var history: tHistory;

  start state Keeping {
    on eAppend do (append: (who: machine, version: int, history: tHistory, records: seq[tRecord])) {
      var record: tRecord;
      if (append.version != version && !Is(AppendUnconditionally)) {
        send append.who, eAppended, false;
        return;
      }
      version = version + 1;
      history = append.history;
      foreach (record in append.records) {
        announce record.what, record.body;
      }
      send append.who, eAppended, true;
    }
    on eRead do (who: machine) { send who, eLogRead, (version = version, history = history); }
  }
}
