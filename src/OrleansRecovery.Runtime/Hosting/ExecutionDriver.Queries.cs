using System.Diagnostics;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What users ask.</content>
public sealed partial class ExecutionDriver
{
    /// <summary>Gives a failure signal to the execution; completes when it is durable.</summary>
    /// <exception cref="RecoveryException">It is not admitted: the reason.</exception>
    public async Task<SignalReceipt> SignalAsync(FailureSignal signal)
    {
        await SignalAsync(signal, isOwn: false);
        return new SignalReceipt(signal.Signal, _state.Recovery?.Recovery);
    }

    /// <summary>Marks an interval as validated.</summary>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c> or <c>UnknownInterval</c>.</exception>
    public Task SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken) =>
        FaultOf(interval) is { } fault
            ? Task.FromException(new RecoveryException(fault))
            : _environment.SealAsync(interval, by, cancellationToken);

    /// <summary>Agents finish their turns and consume nothing more.</summary>
    public Task PauseAsync(IssuerId by, string reason) => ApplyAsync(new ExecutionInput.Paused(by, reason));

    /// <summary>Agents consume again.</summary>
    public Task ResumeAsync(IssuerId by, string reason) => ApplyAsync(new ExecutionInput.Continued(by, reason));

    /// <summary>
    /// Completes when nothing waits, nothing runs and no recovery is open; escalated or paused counts as settled, and so does an agent that is stranded.
    /// </summary>
    public async Task SettledAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            ThrowIfOvertaken();
            lock (_sync)
            {
                changed = _changed.Next;
                if (IsSettled())
                {
                    return;
                }
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    private bool IsSettled() => Volatile.Read(ref _inputCount) == 0
        && (IsHeld || _open is { Phase: CoordinatorPhase.Escalated }
            || (_state.Phase != ExecutionPhase.Recovering && !MayGoOn()));

    private bool MayGoOn()
    {
        var stranded = _index.Stranded(_stuck.Keys);
        return _assigned.Keys.Any(agent => !stranded.Contains(agent)
            && (_index.IsInTurn(agent) || _index.Pending(agent).Any(message => message.Dependency != DependencyKind.Result)));
    }

    private Task SignalAsync(FailureSignal signal, bool isOwn) => PutAsync(new Input
    {
        Execution = fresh => new ExecutionInput.Signalled(signal, fresh),
        Signal = signal,
        IsOwnSignal = isOwn,
        Done = NewDone(),
        At = _setup.Time.GetUtcNow(),
        Caller = Activity.Current?.Context ?? default,
    });

    private RecoveryError? FaultOf(Interval interval)
    {
        lock (_sync)
        {
            return ExecutionQueries.FaultOf(Address, Started, _index, interval);
        }
    }

    /// <summary>
    /// Deletes copies of agents' states, and records, that no failure can lead back to any more: first every agent says from where on it still needs its
    /// journal, then the index forgets, then what nobody needs is deleted. A crash in between leaves too much, never too little.
    /// </summary>
    /// <returns>How many agents had something to delete.</returns>
    /// <exception cref="StaleAppendException">Another coordinator leads: it may have admitted signals that this one does not know.</exception>
    public async Task<int> CollectAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<AgentId, CheckpointNumber> line;
        lock (_sync)
        {
            line = _index.RetentionLine(SealedBefore());
        }

        await CheckLeadsAsync(cancellationToken); // whoever takes over after this asks later clocks what is sealed
        var collected = new List<AgentId>();
        foreach (var (agent, checkpoint) in line.Where(item => _assigned.ContainsKey(item.Key)))
        {
            var history = await ExecutionQueries.ReadHistoryAsync(_setup.Journal, Address, agent, cancellationToken);
            if (history.CollectableBelow(checkpoint, Now()) is not null && await _environment.CollectAsync(agent, checkpoint, cancellationToken) is not null)
            {
                collected.Add(agent);
            }
        }

        if (collected.Count > 0)
        {
            lock (_sync)
            {
                _index.Prune();
            }

            foreach (var agent in line.Keys)
            {
                await TrimAsync(agent, cancellationToken);
            }
        }

        return collected.Count;
    }

    private async Task TrimAsync(AgentId agent, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfAgent(Address, agent);
        var stored = await AgentJournal.ReadAsync(_setup.Journal, stream, cancellationToken);
        var isOutside = agent == Outside.Agent; // one interval for ever: its opening stays, and every send goes as soon as nobody needs it
        var collectedFrom = isOutside ? SequenceNumber.First : AgentHistory.Read(agent, stored).CollectedFrom;
        SequenceNumber from;
        IReadOnlyList<long> positions;
        lock (_sync)
        {
            from = isOutside ? _index.Taken(agent) : collectedFrom; // what was written a moment ago may be in the journal already, and the index knows of nobody who needs it
            positions = Retention.Collectable(agent, isOutside ? stored[1..] : stored, from, _index.IsNeeded);
        }

        if (positions.Count > 0)
        {
            await _setup.Journal.TrimAsync(stream, new TrimRequest(positions, from.Number), cancellationToken);
        }
    }

    /// <summary>Decides about an open recovery or an escalated execution.</summary>
    /// <exception cref="RecoveryException"><c>DecisionNotPossible</c>, <c>UnknownRecovery</c>.</exception>
    public Task DecideAsync(RecoveryId recovery, OperatorDecision decision, IssuerId by, string reason, long? plan)
    {
        if (_state.Phase == ExecutionPhase.Escalated)
        {
            return decision switch
            {
                OperatorDecision.Approve or OperatorDecision.Retry =>
                    PutAsync(new Input { Execution = fresh => new ExecutionInput.RecoveryAllowed(by, reason, fresh), Done = NewDone() }),
                OperatorDecision.Reject => ApplyAsync(new ExecutionInput.Stopped(by, reason)),
                _ => Task.FromException(RecoveryException.Of(
                    RecoveryErrorCode.DecisionNotPossible,
                    $"Execution {Address} waits for approval of one more recovery.",
                    "Nothing was changed.",
                    "Approve it, or reject it, which stops the execution.")),
            };
        }

        var ruling = decision switch
        {
            OperatorDecision.Approve => Ruling.Approve,
            OperatorDecision.Reject => Ruling.Reject,
            OperatorDecision.Force => Ruling.Force,
            _ => Ruling.Retry,
        };
        return PutAsync(new Input { Recovery = recovery, Coordinator = new CoordinatorInput.Ruled(ruling, by, reason, plan), Done = NewDone() });
    }

    /// <summary>Agents that cannot go on, and try again by themselves, with the reason.</summary>
    public IReadOnlyDictionary<AgentId, RecoveryError> StuckAgents
    {
        get
        {
            lock (_sync)
            {
                return _stuck.ToDictionary();
            }
        }
    }

    /// <summary>Nothing goes on until an operator decides: about a recovery, or about allowing one more.</summary>
    public bool WaitsForOperator => _state.Phase == ExecutionPhase.Escalated || _open is { Phase: CoordinatorPhase.Escalated };

    /// <summary>Where the execution stands.</summary>
    public ExecutionStatus Status()
    {
        lock (_sync)
        {
            return ExecutionQueries.Status(Address, Started, _state, _index, _recoveries.Values);
        }
    }

    /// <summary>Where all recoveries stand, as <see cref="IExecutionEnvironment.Publish"/> tells it step by step.</summary>
    public ExecutionProgress Progress()
    {
        lock (_sync)
        {
            return new ExecutionProgress(_version, [.. _recoveries.Values.Select(ExecutionQueries.Progress)]);
        }
    }

    /// <summary>Where a recovery stands, also long after its end.</summary>
    /// <exception cref="RecoveryException"><c>UnknownRecovery</c>.</exception>
    public RecoveryStatus Status(RecoveryId recovery) => Find(recovery) is { } state
        ? ExecutionQueries.Status(state, _state)
        : throw new RecoveryException(UnknownRecovery(recovery));

    /// <summary>What would fall if this interval failed. Changes nothing.</summary>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c> or <c>UnknownInterval</c>.</exception>
    public Task<RecoveryPreview> PlanAsync(Interval suspect, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            ExecutionQueries.CheckInterval(Address, Started, _index, suspect);
            return ExecutionQueries.PreviewAsync(_setup.Journal, Address, _assigned.Keys, _index.Plan([suspect]), cancellationToken);
        }
    }

    private RecoveryError UnknownRecovery(RecoveryId? recovery) => new(
        RecoveryErrorCode.UnknownRecovery,
        $"Execution {Address} has no recovery {recovery}.",
        "Nothing was changed.",
        "Read the execution's status for the ids of its recoveries.");
}
