using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>
/// The one gate: decides whether a step of a task may be taken. A list of checks, in their order; the first that does not hold names the refusal. Pure and
/// total. What it decides stands in the record of the step, so a replay never asks it again.
/// </summary>
public static class Gate
{
    /// <summary>How long a circuit stays open before one try is let through, in milliseconds.</summary>
    public const long CircuitPauseMilliseconds = 30_000;

    // Who asks, whether it still may, whether there is such a thing, whether it is what it is said to be, paid for, allowed, in order, and in time.
    private static readonly (GateRefusal Refusal, Func<GateRequest, string?> FaultOf)[] Checks =
    [
        (GateRefusal.InvalidContract, request => TaskContracts.FaultOf(request.Task.Contract)?.Cause),
        (GateRefusal.ForeignTask, ForeignFault),
        (GateRefusal.StaleLease, request => request.HoldsLease ? null : "the turn of the task is over"),
        (GateRefusal.UnknownCapability, request => request.IsKnown ? null : $"the agent has no {request.Name}"),
        (GateRefusal.UntrustedCapability, request => request.CapabilityFault),
        (GateRefusal.OverBudget, BudgetFault),
        (GateRefusal.NotAllowed, AllowanceFault),
        (GateRefusal.CircuitOpen, request => IsOpen(request) ? $"{request.Name} failed {request.Task.Contract.FailureCountMax} times in a row" : null),
        (GateRefusal.TimedOut, TimeFault),
    ];

    /// <summary>Decides.</summary>
    public static GateDecision Decide(GateRequest request)
    {
        var left = request.Task.Deadline - request.Now;
        foreach (var (refusal, faultOf) in Checks)
        {
            if (faultOf(request) is { } fault)
            {
                return new GateDecision(refusal, fault, left);
            }
        }

        return new GateDecision(null, null, left);
    }

    private static string? ForeignFault(GateRequest request) =>
        request.Task.Execution != request.Execution ? $"the task is of {request.Task.Execution}, and this is {request.Execution}"
        : request.Task.Worker != request.Agent ? $"the task is {request.Task.Worker}'s"
        : request.Task.Delegator != request.Sender ? $"{request.Sender} sent it in the name of {request.Task.Delegator}"
        : null;

    private static string? BudgetFault(GateRequest request)
    {
        var budget = request.Task.Contract.CostBudget;
        var charged = request.Account.Balance.Charged;
        return !request.Charge.IsInRange ? $"{request.Name} is estimated at {request.Charge}"
            : (charged + request.Charge).FitsIn(budget) ? null
            : $"{request.Name} costs {request.Charge}; charged are {charged} of {budget}";
    }

    // What the handler itself is was decided by whoever delegated to it. A message leaves a task as its result, or as a task within it.
    private static string? AllowanceFault(GateRequest request) => request.Step switch
    {
        GateStep.Handler => null,
        GateStep.Action or GateStep.Value => IsAllowed(request, request.Name) ? null : $"the contract does not allow {request.Name}",
        GateStep.Delegation => IsAllowed(request, request.Name)
            ? request.Delegated?.AllowedActions.FirstOrDefault(action => !IsAllowed(request, action)) is { } beyond ? $"the contract does not allow {beyond}, which it would pass on" : null
            : $"the contract does not allow to delegate {request.Name}",
        GateStep.Message => $"{request.Name} is no part of the result; within a task, delegate",
    };

    private static bool IsAllowed(GateRequest request, string name) => request.Task.Contract.AllowedActions.Contains(name, StringComparer.Ordinal);

    private static string? TimeFault(GateRequest request) =>
        request.Now >= request.Task.Deadline ? $"its {request.Task.Contract.TimeBudgetMilliseconds} ms are over"
        : request.Delegated is { } delegated && request.Now + delegated.TimeBudgetMilliseconds > request.Task.Deadline
            ? $"the {delegated.TimeBudgetMilliseconds} ms of the task within it are more than are left"
        : null;

    // The breaker that issuers have, over what the task's account says of this action.
    private static bool IsOpen(GateRequest request)
    {
        var state = BreakerState.Start(new BreakerRule(request.Task.Contract.FailureCountMax, request.Task.Contract.TimeBudgetMilliseconds, CircuitPauseMilliseconds));
        foreach (var entry in request.Account.Entries)
        {
            if (entry.Name == request.Name && entry.HasFailed is { } hasFailed)
            {
                state = state.Phase == BreakerPhase.Open && state.IsOver(entry.At) ? BreakerMachine.Apply(state, new BreakerInput.SuspensionOver(entry.At)).State : state;
                state = hasFailed ? BreakerMachine.Apply(state, new BreakerInput.FoundFalse(entry.At)).State : BreakerState.Start(state.Rule);
            }
        }

        return state.Phase == BreakerPhase.Open && !state.IsOver(request.Now);
    }
}
