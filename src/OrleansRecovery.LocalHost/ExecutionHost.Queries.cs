using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.LocalHost;

/// <content>What users ask.</content>
internal sealed partial class ExecutionHost
{
    internal bool IsStopped => _state.Phase == ExecutionPhase.Stopped;

    internal RecoveryId? CurrentRecovery => _state.Recovery?.Recovery;

    internal Task SealAsync(Interval interval, IssuerId by) => HostOf(interval.Agent).SealAsync(interval.Number, by);

    internal void CheckInterval(Interval interval)
    {
        lock (_sync)
        {
            ExecutionQueries.CheckInterval(Address, Started, _index, interval);
        }
    }

    internal bool IsSealed(Interval interval)
    {
        lock (_sync)
        {
            return _index.IsSealed(interval, _host.Now() - Started.Policy.DetectionWindowMilliseconds);
        }
    }

    internal Task DecideAsync(RecoveryId recovery, OperatorDecision decision, IssuerId by, string reason)
    {
        if (_state.Phase == ExecutionPhase.Escalated)
        {
            return decision switch
            {
                OperatorDecision.Approve or OperatorDecision.Retry =>
                    ApplyAsync(new ExecutionInput.RecoveryAllowed(by, reason, _host.Options.NewRecoveryId()), []),
                OperatorDecision.Reject => ApplyAsync(new ExecutionInput.Stopped(by, reason), []),
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
        return RuleAsync(recovery, new CoordinatorInput.Ruled(ruling, by, reason));
    }

    internal ExecutionStatus Status()
    {
        lock (_sync)
        {
            return ExecutionQueries.Status(Address, Started, _state, _index, _recoveries.Values);
        }
    }

    internal RecoveryStatus Status(RecoveryId recovery) => Find(recovery) is { } state
        ? ExecutionQueries.Status(state)
        : throw new RecoveryException(UnknownRecovery(recovery));

    internal Task<RecoveryPreview> PlanAsync(Interval suspect, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            ExecutionQueries.CheckInterval(Address, Started, _index, suspect);
            return ExecutionQueries.PreviewAsync(_host.Journal, Address, _assigned.Keys, _index.Plan([suspect]), cancellationToken);
        }
    }

    private RecoveryError UnknownRecovery(RecoveryId? recovery) => new(
        RecoveryErrorCode.UnknownRecovery,
        $"Execution {Address} has no recovery {recovery}.",
        "Nothing was changed.",
        "Read the execution's status for the ids of its recoveries.");
}
