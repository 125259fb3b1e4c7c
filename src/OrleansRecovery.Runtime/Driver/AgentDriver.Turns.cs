using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>How a turn ended.</summary>
public enum TurnResult
{
    /// <summary>The handler ended, and its work is durable.</summary>
    Ended,

    /// <summary>The handler failed: the failure is signalled, and the agent waits for the recovery.</summary>
    Failed,

    /// <summary>The turn was stopped by a rollback, a fence or the host's end: nothing of it that was not durable counts.</summary>
    Stopped,
}

/// <content>Turns.</content>
public sealed partial class AgentDriver
{
    internal AgentSetup Setup => _setup;

    internal AgentBehavior Behavior => _behavior;

    /// <summary>Consumes a message: runs its handler to the end.</summary>
    /// <exception cref="RecoveryException"><c>CapabilityRefused</c>: the agent's code may not be used. The message waits; a task is refused instead.</exception>
    public async Task<TurnResult> RunTurnAsync(IncomingMessage message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        var view = await LookAsync(cancellationToken);
        RefuseCode(view, message);
        return await RunAsync(TurnRun.Begin(this, message, view, cancellationToken));
    }

    /// <summary>Runs the open turn again, with what it has recorded, and on from there.</summary>
    public async Task<TurnResult> ResumeTurnAsync(CancellationToken cancellationToken)
    {
        var open = History.Turn ?? throw new InvalidOperationException("No turn is open.");
        var message = await _setup.Environment.ReadMessageAsync(open.Message, cancellationToken);
        var view = await LookAsync(cancellationToken);
        RefuseCode(view, null);
        var steps = _recorded;
        _recorded = [];
        return await RunAsync(TurnRun.Resume(this, message, steps, view, cancellationToken));
    }

    /// <summary>What capabilities there are now.</summary>
    internal Task<CapabilityView> LookAsync(CancellationToken cancellationToken) =>
        _setup.Capabilities?.LookForUseAsync(_setup.Execution.Tenant, cancellationToken) ?? Task.FromResult(CapabilityView.Empty);

    /// <summary>Refuses to run the agent's code where that may not be used. A task that begins is refused by its gate, and its delegator is told.</summary>
    internal void RefuseCode(CapabilityView view, IncomingMessage? begins)
    {
        if (begins?.Type != TaskRequest.TypeName && _behavior.Judge(view, _setup.Policy.Capabilities).Fault is { } fault)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.CapabilityRefused,
                $"The code of agent {_setup.Agent} may not be used: {fault}.",
                "Its messages wait; nothing was lost.",
                "Deploy code whose capability is active, or register and activate this one ('recovery capability').");
        }
    }

    /// <summary>Stops the turn that runs, if one does, and waits for it.</summary>
    public async Task StopTurnAsync()
    {
        if (_turn is { } turn)
        {
            await turn.StopAsync(TimeSpan.FromMilliseconds(_setup.Policy.ActionTimeoutMilliseconds));
        }
    }

    private async Task<TurnResult> RunAsync(TurnRun turn)
    {
        if (!await TryEnterAsync(turn))
        {
            turn.Finish();
            return TurnResult.Stopped;
        }

        try
        {
            var state = await turn.RunAsync();
            await FlushAsync(turn, state, CancellationToken.None);
            _state = state;
            return TurnResult.Ended;
        }
        catch (Exception stopped) when (stopped is TurnStoppedException || turn.IsStopped)
        {
            MustReload |= turn.HasJournalled;
            return TurnResult.Stopped;
        }
        catch (StaleAppendException)
        {
            MustReload |= turn.HasJournalled;
            return TurnResult.Stopped; // another activation took over; the driver is broken and will be loaded again
        }
        catch (RecoveryException storage) when (
            IsBroken || storage.Error.Code is RecoveryErrorCode.NonDeterministicReplay or RecoveryErrorCode.StorageUnavailable or RecoveryErrorCode.CapabilityRefused)
        {
            MustReload |= turn.HasJournalled; // no failure of the agent: the turn goes on from its record
            throw;
        }
#pragma warning disable CA1031 // An author's handler may throw anything; it becomes a failure signal (recovery model, section 1).
        catch (Exception failure)
#pragma warning restore CA1031
        {
            await FailAsync(turn, failure);
            return TurnResult.Failed;
        }
        finally
        {
            turn.Finish();
            _turn = null;
        }
    }

    // Under the gate, as a promise is: a turn that begins after the promise would run on with nobody to stop it, and one that only waits would wait for ever.
    private async Task<bool> TryEnterAsync(TurnRun turn)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (Participant.Phase != ParticipantPhase.Active || MustReload || IsBroken)
            {
                MustReload |= turn.HasJournalled;
                return false;
            }

            _turn = turn;
            return true;
        }
        finally
        {
            _gate.Release();
        }
    }

    // The interval that failed must be in the journal to be named; what the turn wanted to send is not.
    private async Task FailAsync(TurnRun turn, Exception failure)
    {
        turn.DropUnsent();
        turn.NoteFailure(failure);
        await FlushAsync(turn, null, CancellationToken.None);
        MustReload = true;
        var reason = failure switch
        {
            AgentFailureException => FailureReason.InvalidOutput,
            ActionFailedException or InDoubtActionException => FailureReason.ActionFailed,
            StepRefusedException { Refusal: GateRefusal.OverBudget } => FailureReason.ResourceExhausted,
            TimeoutException or SilentException or StepRefusedException { Refusal: GateRefusal.TimedOut } => FailureReason.Timeout,
            StepRefusedException => FailureReason.PolicyViolation,
            TaskFailedException => FailureReason.DependencyFailed,
            _ => FailureReason.Other,
        };
        await _setup.Environment.TurnFailedAsync(
            new Interval(_setup.Agent, History.Current), History.Incarnation, reason, $"{failure.GetType().Name}: {failure.Message}");
    }

    /// <summary>Makes what a turn has buffered durable; with <paramref name="endState"/> also the turn's end.</summary>
    internal async Task FlushAsync(TurnRun turn, byte[]? endState, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            List<AgentEvent>? records = null;
            while (records is null)
            {
                var step = ParticipantMachine.Apply(Participant, new ParticipantInput.Work());
                if (!step.IsLegal || MustReload || turn.IsFenced || !await turn.MayBecomeDurableAsync(Participant, cancellationToken))
                {
                    throw new TurnStoppedException();
                }

                records = turn.TryTakeBuffer(History.Next);
            }

            var snapshots = new List<Snapshot>();
            if (endState is not null)
            {
                var digest = AgentJson.Digest(endState);
                var hasSnapshot = History.TurnsSinceSnapshot + 1 >= _setup.Policy.SnapshotEveryTurns;
                if (hasSnapshot)
                {
                    snapshots.Add(new Snapshot(History.Next.Number + records.Count, digest, endState));
                }

                records.Add(new TurnEnded(digest, hasSnapshot));
            }

            if (records.Count > 0)
            {
                await AppendLockedAsync(records, snapshots, cancellationToken);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The state that the turn starts with: a copy, so that a turn that does not end leaves no trace.</summary>
    internal object CopyOfState() => JsonSerializer.Deserialize(_state, _behavior.State)!;

    /// <summary>Runs one compensation to its end. Called beside the mailbox; the host reports the end with <see cref="CompensationEndedAsync"/>.</summary>
    public async Task<(CompensationResult Result, int Attempts, string? Detail)> CompensateAsync(
        SequenceNumber action, CancellationToken cancellationToken)
    {
        ActionIntended? intent = null;
        ActionSettled? outcome = null;
        await foreach (var stored in _setup.Journal.ReadAsync(_setup.Stream, action.Number, cancellationToken))
        {
            var record = AgentEventJson.Read(stored.Body.Span);
            intent ??= record as ActionIntended;
            if (record is ActionSettled settled && settled.Action == action)
            {
                outcome = settled;
                break;
            }
        }

        if (intent is null || !_behavior.Actions.TryGetValue(intent.Name, out var registered) || registered.CompensateAsync is null)
        {
            return (CompensationResult.Failed, 0, $"No compensation is registered under the name '{intent?.Name}'.");
        }

        var id = new ActionId(_setup.Agent, action);
        var report = await CompensationRunner.RunAsync(
            registered, intent.Argument, outcome?.Result, id, KeyOf(id, "undo"), _setup.Policy, _setup.Time, cancellationToken);
        return (report.Result, report.Attempts, report.Detail);
    }

    /// <summary>The key under which the outside knows an action or its compensation: the same in every try (theory, R13).</summary>
    internal string KeyOf(ActionId action, string verb) => $"{_setup.Execution}/{action}/{verb}";
}
