using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Journal;

/// <summary>A handler that has begun and not ended: it is run again, with its recorded steps, after a crash or a restore.</summary>
/// <param name="Message">What it consumed.</param>
/// <param name="BeganAt">The position of that consumption.</param>
public sealed record OpenTurn(MessageId Message, SequenceNumber BeganAt);

/// <summary>A stretch of an agent's journal whose work is undone, both ends included.</summary>
/// <param name="First">The first position.</param>
/// <param name="Last">The last position.</param>
public readonly record struct UndoneStretch(SequenceNumber First, SequenceNumber Last);

/// <summary>
/// What one agent's journal says: the fold of its records, without payloads. Not safe for concurrent use; its agent's mailbox is the one caller.
/// </summary>
public sealed class AgentHistory
{
    private readonly List<IntervalWork> _live = [];
    private readonly List<UndoneStretch> _undone = [];
    private readonly Dictionary<SequenceNumber, SequenceNumber> _verdicts = []; // being recorded: the request by the intent

    /// <summary>An agent that has done nothing yet.</summary>
    public AgentHistory(AgentId agent) => Agent = agent;

    /// <summary>Whose history.</summary>
    public AgentId Agent { get; }

    /// <summary>
    /// The fold of a stored journal, of which records before the last <see cref="Collected"/> may be missing. Those that are there say no more than how far
    /// the agent's numbers had come.
    /// </summary>
    /// <param name="agent">Whose journal.</param>
    /// <param name="stored">The records that are there, in order.</param>
    public static AgentHistory Read(AgentId agent, IReadOnlyList<(SequenceNumber Position, AgentEvent Record)> stored)
    {
        var history = new AgentHistory(agent) { CollectedFrom = stored.Select(item => item.Record).OfType<Collected>().LastOrDefault()?.From ?? default };
        foreach (var (position, record) in stored)
        {
            if (position < history.CollectedFrom)
            {
                history.Pass(position, record);
                continue;
            }

            history.Next = position == history.CollectedFrom ? position : history.Next;
            Invariant.Holds(position == history.Next, $"The journal of {agent} has no record {history.Next}.");
            history.Apply(record);
        }

        return history;
    }

    /// <summary>From here on every record is there; before it they may have been collected.</summary>
    public SequenceNumber CollectedFrom { get; private set; }

    /// <summary>The position of the next record.</summary>
    public SequenceNumber Next { get; private set; }

    /// <summary>How often the agent was rolled back.</summary>
    public Incarnation Incarnation { get; private set; }

    /// <summary>The interval that the agent is in.</summary>
    public CheckpointNumber Current { get; private set; }

    /// <summary>The handler that is under way, or null between turns.</summary>
    public OpenTurn? Turn { get; private set; }

    /// <summary>Turns that ended since the last copy of the state.</summary>
    public int TurnsSinceSnapshot { get; private set; }

    /// <summary>The live intervals, in the order of their numbers.</summary>
    public IReadOnlyList<IntervalWork> Live => _live;

    /// <summary>What tasks have cost the agent, also in work that is undone.</summary>
    public TaskLedger Tasks { get; } = new();

    /// <summary>The agent's attempts at tasks, also in work that is undone.</summary>
    public TaskAttempts Attempts { get; } = new();

    /// <summary>Is the record at this position part of what counts? Undone work does not; what a recovery itself wrote does.</summary>
    public bool IsLive(SequenceNumber position) => !_undone.Exists(stretch => stretch.First <= position && position <= stretch.Last);

    /// <summary>Takes the next record.</summary>
    public void Apply(AgentEvent record)
    {
        var position = Next;
        Next = Next.Next;
        switch (record.Kind)
        {
            case AgentEventKind.IntervalOpened:
                Open((IntervalOpened)record, position);
                break;
            case AgentEventKind.MessageConsumed:
                Consume((MessageConsumed)record, position);
                break;
            case AgentEventKind.MessageSent:
                Send((MessageSent)record, position);
                break;
            case AgentEventKind.ActionIntended:
                var intended = (ActionIntended)record;
                Attempt(position, intended);
                _live[^1].Actions.Add(new ActionWork(position, intended.Class, intended.Name, intended.HasCompensation));
                if (intended.Gate is { Refusal: null } gate)
                {
                    Tasks.Reserve(position, intended.Name, gate);
                }
                else if (intended is { Name: Judgement.StepName, Gate: null } && intended.Argument.TryGetInt64(out var request))
                {
                    _verdicts[position] = SequenceNumber.Of(request);
                }

                break;
            case AgentEventKind.ActionSettled:
                var settled = (ActionSettled)record;
                FindAction(settled.Action)?.Progress = settled.Succeeded ? ActionProgress.Done : ActionProgress.Failed;
                if (settled.Spent is { } spent)
                {
                    Tasks.Settle(settled.Action, spent, hasFailed: !settled.Succeeded);
                }

                Judge(settled);
                break;
            case AgentEventKind.DependencyDeclared:
                _live[^1].Declared.Add(new DeclaredWork(position, (DependencyDeclared)record));
                break;
            case AgentEventKind.TurnEnded:
                EndTurn((TurnEnded)record, position);
                break;
            case AgentEventKind.IntervalSealed:
                _live.Find(interval => interval.Number == ((IntervalSealed)record).Number)?.IsSealed = true;
                break;
            case AgentEventKind.CompensationSettled:
                Compensated((CompensationSettled)record);
                break;
            case AgentEventKind.RolledBack:
                RollBack((RolledBack)record, position);
                break;
            case AgentEventKind.Collected:
                Collect((Collected)record);
                break;
            case AgentEventKind.Promised:
            case AgentEventKind.Barred:
            case AgentEventKind.Unbarred:
            case AgentEventKind.PromiseReleased:
            case AgentEventKind.DecisionLearnt:
            case AgentEventKind.Reinstated:
            case AgentEventKind.FenceRaised:
                break;
        }
    }

    /// <summary>The live interval with this number, or null.</summary>
    public IntervalWork? Find(CheckpointNumber number)
    {
        var (low, high) = (0, _live.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = _live[middle].Number.CompareTo(number);
            if (order == 0)
            {
                return _live[middle];
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return null;
    }

    /// <summary>
    /// The position of the copy of the state from which the checkpoint is rebuilt, or null when it is rebuilt from the initial state.
    /// </summary>
    public SequenceNumber? SnapshotFor(CheckpointNumber checkpoint)
    {
        for (var i = _live.Count - 1; i >= 0; i--)
        {
            var interval = _live[i];
            if (interval.Number < checkpoint && interval.Snapshots.Count > 0)
            {
                return interval.Snapshots[^1];
            }
        }

        return null;
    }

    /// <summary>The position of the newest copy of the live state, or null when there is none.</summary>
    public SequenceNumber? NewestSnapshot => SnapshotFor(Current.Next);

    /// <summary>
    /// What may be collected when no failure can lead back below a checkpoint, or null when nothing may. One copy of the state more than is needed stays, with
    /// all records since the turn that made it, for the case that the one that counts is damaged. A task that the agent delegated stays, with its key, until it has ended
    /// and the interval in which it did may be collected too; of one that it works at, what it has cost is carried over until its time is over.
    /// </summary>
    /// <param name="line">The agent's checkpoint on the retention line.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    public Collected? CollectableBelow(CheckpointNumber line, long now)
    {
        if (SnapshotFor(OldestNeeded(line, now)) is not { } needed)
        {
            return null;
        }

        var older = _live.SelectMany(interval => interval.Snapshots).Where(position => position < needed).DefaultIfEmpty().Max();
        var first = _live.FindLastIndex(interval => interval.TurnBefore is null && interval.OpenedAt < older);
        return first > 0 ? new Collected(_live[first].Number, _live[first].OpenedAt, Tasks.CarriedBefore(_live[first].OpenedAt, now)) : null;
    }

    private CheckpointNumber OldestNeeded(CheckpointNumber line, long now)
    {
        var judged = _live.SelectMany(interval => interval.Judged.Select(task => (task, interval.Number))).ToLookup(item => item.task, item => item.Number);
        return _live
            .Where(interval => interval.Number < line && interval.Delegated.Exists(item =>
                item.Request == item.Task && (judged[item.Task].Any() ? judged[item.Task].Max() >= line : item.Deadline > now)))
            .Select(interval => interval.Number)
            .Append(line)
            .Min();
    }

    private void Send(MessageSent sent, SequenceNumber position)
    {
        _live[^1].Sends.Add(new UndoneSend(position, sent.To));
        if (sent.Key is not { } key)
        {
            return;
        }

        _live[^1].Keyed.Add((position, key));
        if (sent.Type == TaskRequest.TypeName && TaskJson.TryReadOwnRequest(sent.Payload) is { } request)
        {
            _live[^1].Delegated.Add((position, request.Task ?? position, request.Deadline));
        }
    }

    private void Attempt(SequenceNumber position, ActionIntended intended)
    {
        if (intended is { Name: SavedArtifact.StepName, Gate: null } && TaskJson.TryReadSaved(intended.Argument) is { } saved)
        {
            Attempts.Save(position, saved);
        }
        else if (intended is { Name: AttemptEnd.StepName, Gate: null } && TaskJson.TryReadAttempt(intended.Argument) is { } end)
        {
            Attempts.End(position, end);
        }
    }

    private void Judge(ActionSettled settled)
    {
        if (_verdicts.Remove(settled.Action, out var request) && TaskJson.TryReadJudgement(settled.Result) is { Verdict: not Verdict.Revise }
            && _live.SelectMany(interval => interval.Delegated).FirstOrDefault(item => item.Request == request) is { Deadline: > 0 } delegated)
        {
            _live[^1].Judged.Add(delegated.Task);
        }
    }

    private void Pass(SequenceNumber position, AgentEvent record)
    {
        Next = position.Next;
        if (record is IntervalOpened opened)
        {
            (Incarnation, Current) = (opened.Incarnation, opened.Number);
        }
        else if (record is RolledBack rolledBack)
        {
            (Incarnation, Current) = (rolledBack.Incarnation, rolledBack.Opens);
        }
    }

    private void Collect(Collected collected)
    {
        CollectedFrom = collected.From;
        Tasks.Collect(collected.From, collected.Tasks);
        Attempts.Collect(collected.From);
        _live.RemoveAll(interval => interval.Number < collected.Below);
        _undone.RemoveAll(stretch => stretch.Last < collected.From);
    }

    private void Open(IntervalOpened opened, SequenceNumber position)
    {
        Invariant.Holds(_live.Count == 0 || opened.Number > Current, $"{Agent}: interval {opened.Number} after {Current}.");
        Incarnation = opened.Incarnation;
        Current = opened.Number;
        _live.Add(new IntervalWork(opened.Number, position, opened.At, Turn));
    }

    private void Consume(MessageConsumed consumed, SequenceNumber position)
    {
        _live[^1].Receipts.Add(new ReceiptWork(position, consumed));
        if (consumed.BeginsTurn)
        {
            Turn = new OpenTurn(consumed.Message, position);
        }
    }

    private void EndTurn(TurnEnded ended, SequenceNumber position)
    {
        Turn = null;
        TurnsSinceSnapshot++;
        if (ended.HasSnapshot)
        {
            TurnsSinceSnapshot = 0;
            _live[^1].Snapshots.Add(position);
        }
    }

    // An action is compensated while its interval is still live; the interval falls with RolledBack.
    private void Compensated(CompensationSettled settled)
    {
        if (settled.Result == CompensationResult.Compensated)
        {
            FindAction(settled.Action)?.Progress = ActionProgress.Compensated;
        }
    }

    private void RollBack(RolledBack rolledBack, SequenceNumber position)
    {
        if (position == CollectedFrom && position > SequenceNumber.First)
        {
            Reopen(rolledBack, position); // what it undid is collected
            return;
        }

        var first = _live.FindIndex(interval => interval.Number >= rolledBack.Target);
        Invariant.Holds(first >= 0, $"{Agent}: rolled back to {rolledBack.Target}, which is not live.");
        var target = _live[first];
        Invariant.Holds(target.Number == rolledBack.Target, $"{Agent}: rolled back to {rolledBack.Target}, which is not live.");
        _undone.Add(new UndoneStretch(target.OpenedAt, position));
        Attempts.Undo(target.OpenedAt);
        foreach (var action in _live.Skip(first).SelectMany(interval => interval.Actions))
        {
            Tasks.Undo(action.Position, action.Progress == ActionProgress.Compensated);
        }

        _live.RemoveRange(first, _live.Count - first);
        Turn = target.TurnBefore;
        Reopen(rolledBack, position);
    }

    private void Reopen(RolledBack rolledBack, SequenceNumber position)
    {
        Incarnation = rolledBack.Incarnation;
        Current = rolledBack.Opens;
        _live.Add(new IntervalWork(rolledBack.Opens, position, rolledBack.At, Turn));
    }

    /// <summary>The newest live message that the agent sent under a key, or null.</summary>
    public SequenceNumber? SentWith(string key)
    {
        for (var i = _live.Count - 1; i >= 0; i--)
        {
            if (_live[i].Keyed.FindLast(sent => sent.Key == key) is { Key: not null } sent)
            {
                return sent.Position;
            }
        }

        return null;
    }

    /// <summary>A live action by the position of its intent.</summary>
    public ActionWork? FindAction(SequenceNumber position)
    {
        for (var i = _live.Count - 1; i >= 0; i--)
        {
            var found = _live[i].Actions.Find(action => action.Position == position);
            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }
}
