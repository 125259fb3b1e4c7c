using System.Diagnostics;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

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
