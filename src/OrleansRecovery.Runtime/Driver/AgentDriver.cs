using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>What belongs to an agent for as long as its execution lasts.</summary>
/// <param name="Execution">The execution.</param>
/// <param name="Agent">The agent.</param>
/// <param name="Policy">The execution's policy.</param>
/// <param name="Journal">Where its journal is kept.</param>
/// <param name="Environment">Its host.</param>
/// <param name="Time">The clock.</param>
public sealed record AgentSetup(
    ExecutionAddress Execution, AgentId Agent, RecoveryPolicy Policy, IJournal Journal, IAgentEnvironment Environment, TimeProvider Time)
{
    /// <summary>Where loops run that go on beside their callers. Default: the thread pool.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Which code may run; null: nobody asks, as in a replay.</summary>
    public CapabilityRegistry? Capabilities { get; init; }

    internal StreamId Stream => StreamId.OfAgent(Execution, Agent);
}

/// <summary>
/// One agent in memory: its history, its participant's state and its own state, and what carries out the machine's effects. Hosts call it from the
/// agent's mailbox; a turn runs beside it. After any failed append it is broken, since what is durable is not known: the host drops it and
/// loads another from the journal.
/// </summary>
public sealed partial class AgentDriver : IDisposable
{
    private readonly AgentSetup _setup;
    private readonly AgentBehavior _behavior;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly List<(RecoveryId Recovery, SequenceNumber Action, long Try)> _toCompensate = [];
    private byte[] _state;
    private TurnRun? _turn;

    private AgentDriver(AgentSetup setup, AgentBehavior behavior, AgentHistory history, ParticipantState participant, byte[] state)
    {
        _setup = setup;
        _behavior = behavior;
        _state = state;
        History = history;
        Participant = participant;
    }

    /// <summary>What the agent's journal says.</summary>
    public AgentHistory History { get; }

    /// <summary>Where the agent stands in recoveries.</summary>
    public ParticipantState Participant { get; private set; }

    /// <summary>What is durable is not known any more: load another driver.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>What is in memory is no longer what the journal says, or not all of it: load another driver before the next turn.</summary>
    public bool MustReload { get; private set; }

    /// <summary>May a turn start now?</summary>
    public bool MayConsume => Participant.Phase == ParticipantPhase.Active && !IsBroken && !MustReload && _turn is null;

    /// <summary>A handler was under way when the agent was loaded, and is to be run again before anything is consumed.</summary>
    public bool HasOpenTurn => History.Turn is not null;

    /// <summary>Another activation has written the journal: nothing of this one can become durable any more.</summary>
    public void Abandon() => IsBroken = true;

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    /// <summary>What the participant does first after it was loaded: it asks about recoveries that it was in the middle of.</summary>
    public void Reawaken()
    {
        foreach (var effect in ParticipantMachine.Reawaken(Participant))
        {
            if (effect is ParticipantEffect.Send send)
            {
                _setup.Environment.ToCoordinator(send.Message);
            }
        }
    }

    /// <summary>The coordinator's silence lasts: asks again.</summary>
    public Task RemindAsync(CancellationToken cancellationToken) => StepAsync(new ParticipantInput.Silence(), cancellationToken);

    /// <summary>Marks an interval as validated.</summary>
    public async Task SealAsync(CheckpointNumber interval, IssuerId by, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (History.Find(interval) is { IsSealed: false })
            {
                await AppendLockedAsync([new IntervalSealed(interval, by)], [], cancellationToken);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Says that no failure leads back below a checkpoint any more (theory, R18); null when nothing can be collected for that.</summary>
    public async Task<Collected?> CollectAsync(CheckpointNumber line, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (Participant is { Phase: ParticipantPhase.Active, Barriers.IsEmpty: true } && History.CollectableBelow(line, Now()) is { } collected)
            {
                await AppendLockedAsync([collected], [], cancellationToken);
                return collected;
            }

            return null;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>
    /// Takes a message of the coordinator. A prepare that affects the agent first stops the turn that runs, and waits for it: what the turn has done by
    /// then is in the journal, and so in the vote.
    /// </summary>
    /// <returns>True when the fence is gone and the agent may consume again.</returns>
    public async Task<bool> HandleAsync(ParticipantMessage message, CancellationToken cancellationToken)
    {
        switch (message.Kind)
        {
            case RecoveryMessageKind.Prepare:
                return await PrepareAsync((Prepare)message, cancellationToken);
            case RecoveryMessageKind.Abort:
                return await StepAsync(new ParticipantInput.Abort((Abort)message), cancellationToken);
            case RecoveryMessageKind.Commit:
                return await StepAsync(new ParticipantInput.Commit((Commit)message), cancellationToken);
            case RecoveryMessageKind.Compensate:
                return await StepAsync(new ParticipantInput.Compensate((Compensate)message), cancellationToken);
            case RecoveryMessageKind.Restore:
                var restore = new ParticipantInput.Restore((Restore)message, History.Incarnation, History.Current, Now());
                return await StepAsync(restore, cancellationToken);
            case RecoveryMessageKind.Release:
                return await StepAsync(new ParticipantInput.Release((Release)message, History.Incarnation, History.Current, Now()), cancellationToken);
            case RecoveryMessageKind.FailureSignal:
            case RecoveryMessageKind.Vote:
            case RecoveryMessageKind.Compensated:
            case RecoveryMessageKind.Restored:
            case RecoveryMessageKind.Outcome:
            case RecoveryMessageKind.StatusQuery:
                throw RecoveryException.Of(
                    RecoveryErrorCode.SchemaViolation,
                    $"A participant takes no {message.Kind}.",
                    "Nothing was changed.",
                    "Send it to the coordinator.");
        }

        return false;
    }

    /// <summary>A compensation that this agent ran has ended.</summary>
    public async Task CompensationEndedAsync(
        SequenceNumber action, long tryNumber, CompensationResult result, int attempts, string? detail, CancellationToken cancellationToken)
    {
        await StepAsync(new ParticipantInput.Settled(action, tryNumber, result, attempts, detail), cancellationToken);
    }

    /// <summary>The compensations that are to be started now unless they run, each with its recovery and its try: the coordinator repeats itself.</summary>
    public IReadOnlyList<(RecoveryId Recovery, SequenceNumber Action, long Try)> TakeCompensations()
    {
        var taken = _toCompensate.ToList();
        _toCompensate.Clear();
        return taken;
    }

    // Estimate and promise are one step under the gate: no turn journals a consumption in between.
    private async Task<bool> PrepareAsync(Prepare message, CancellationToken cancellationToken)
    {
        for (var stopped = false; ; stopped = true)
        {
            TurnRun? running;
            await _gate.WaitAsync(CancellationToken.None);
            try
            {
                running = _turn;
                var estimate = await EstimateAsync(message, cancellationToken);
                var mustStop = estimate.Target is not null || running?.ConsumedAny(message.Invalidated) == true;
                if (running is null || stopped || !mustStop)
                {
                    return await StepLockedAsync(new ParticipantInput.Prepare(message, estimate), cancellationToken);
                }
            }
            finally
            {
                _gate.Release();
            }

            await running.StopAsync(TimeSpan.FromMilliseconds(_setup.Policy.ActionTimeoutMilliseconds));
        }
    }

    // A checkpoint whose copy does not match its digest is no target: the one before is tried.
    private async Task<UndoEstimate> EstimateAsync(Prepare message, CancellationToken cancellationToken)
    {
        var corrupt = new HashSet<CheckpointNumber>();
        while (true)
        {
            var estimate = UndoEstimate.Of(History, message.Suspects, message.Invalidated, corrupt);
            if (estimate.Target is not { } target
                || estimate.Objections.Any(objection => objection.Reason == RefusalReason.NoSuchCheckpoint)
                || await IsSoundAsync(target, cancellationToken))
            {
                return estimate;
            }

            corrupt.Add(target);
        }
    }

    private async Task<bool> IsSoundAsync(CheckpointNumber target, CancellationToken cancellationToken)
    {
        if (History.SnapshotFor(target) is not { } position)
        {
            return History.CollectedFrom == SequenceNumber.First; // from its beginning, which must be there
        }

        var snapshot = await _setup.Journal.ReadSnapshotAsync(_setup.Stream, position.Number, cancellationToken);
        return snapshot is not null && AgentJson.Digest(snapshot.Body.Span) == snapshot.Digest;
    }

    private async Task<bool> StepAsync(ParticipantInput input, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            return await StepLockedAsync(input, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<bool> StepLockedAsync(ParticipantInput input, CancellationToken cancellationToken)
    {
        if (IsBroken)
        {
            throw new TurnStoppedException(); // what it would answer rests on what may not be so
        }

        var step = ParticipantMachine.Apply(Participant, input);
        if (!step.IsLegal)
        {
            _setup.Environment.Refused(step.Row, input.Kind);
            return false;
        }

        var records = step.Effects.OfType<ParticipantEffect.Persist>().Select(effect => effect.Record).ToList();
        if (records.Count > 0)
        {
            await AppendLockedAsync(records, [], cancellationToken);
        }

        var resumed = false;
        foreach (var effect in step.Effects)
        {
            switch (effect.Kind)
            {
                case ParticipantEffectKind.Persist:
                    break; // durable by now
                case ParticipantEffectKind.Send:
                    RecoverySpans.Answered(((ParticipantEffect.Send)effect).Message);
                    _setup.Environment.ToCoordinator(((ParticipantEffect.Send)effect).Message);
                    break;
                case ParticipantEffectKind.RunCompensations:
                    var recovery = Participant.Promise!.Vote.Recovery;
                    var run = (ParticipantEffect.RunCompensations)effect;
                    _toCompensate.AddRange(run.Actions.Select(action => (recovery, action, run.Try)));
                    break;
                case ParticipantEffectKind.LoadTarget:
                    MustReload = true;
                    break;
                case ParticipantEffectKind.Resume:
                    resumed = true;
                    break;
            }
        }

        return resumed;
    }

    // The gate is held. The order is: durable, then in memory, then visible to others.
    private async Task AppendLockedAsync(IReadOnlyList<AgentEvent> records, IReadOnlyList<Snapshot> snapshots, CancellationToken cancellationToken)
    {
        if (IsBroken)
        {
            throw new TurnStoppedException();
        }

        var append = new StreamAppend(
            _setup.Stream,
            History.Next.Number,
            [.. records.Select(record => new ReadOnlyMemory<byte>(AgentEventJson.Write(record)))],
            snapshots);
        try
        {
            await _setup.Environment.AppendAsync(append, records, cancellationToken);
        }
        catch
        {
            IsBroken = true;
            throw;
        }

        foreach (var record in records)
        {
            History.Apply(record);
            Participant = Participant.After(record);
            Count(record);
        }
    }

    private void Count(AgentEvent record)
    {
        switch (record)
        {
            case MessageConsumed:
                RecoveryMetrics.MessagesConsumed.Add(1);
                break;
            case IntervalOpened opened:
                RecoveryMetrics.IntervalsOpened.Add(1, RecoveryMetrics.Tag(AttributeNames.Cause, opened.Cause));
                break;
            case RolledBack:
                RecoveryMetrics.IntervalsOpened.Add(1, RecoveryMetrics.Tag(AttributeNames.Cause, IntervalCause.Restore));
                break;
            case ActionSettled settled when History.FindAction(settled.Action) is { } action:
                RecoveryMetrics.Actions.Add(
                    1,
                    RecoveryMetrics.Tag(AttributeNames.ActionClass, action.Class),
                    new KeyValuePair<string, object?>(AttributeNames.Result, settled.Succeeded ? "succeeded" : "failed"));
                break;
        }
    }

    private long Now() => _setup.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
