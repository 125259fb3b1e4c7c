using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Machines;
using On = OrleansRecovery.Protocol.Signals.BreakerInputKind;
using Phase = OrleansRecovery.Protocol.Signals.BreakerPhase;
using Step = OrleansRecovery.Protocol.Machines.MachineStep<
    OrleansRecovery.Protocol.Signals.BreakerState, OrleansRecovery.Protocol.Signals.BreakerEffect>;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>
/// The circuit breaker of one issuer in one tenant: false signals suspend it, and after a while one signal is tried (draft, R-SEC-7). Pure, total, deterministic.
/// </summary>
public static class BreakerMachine
{
    /// <summary>Every phase and input, with the phases that may follow.</summary>
    public static TransitionTable<Phase, On> Table { get; } = new(
        "B",
        (Phase.Closed, On.Admitted, [Phase.Closed]),
        (Phase.Closed, On.FoundFalse, [Phase.Closed, Phase.Open]),
        (Phase.Closed, On.FoundTrue, [Phase.Closed]),
        (Phase.Closed, On.SuspensionOver, []),             // nothing was suspended
        (Phase.Closed, On.Reinstated, [Phase.Closed]),     // what counted against it is forgotten

        (Phase.Open, On.Admitted, [Phase.Open]),           // by a host that had not heard of it yet
        (Phase.Open, On.FoundFalse, [Phase.Open]),         // an older signal: the suspension begins anew
        (Phase.Open, On.FoundTrue, [Phase.Open]),          // an older signal
        (Phase.Open, On.SuspensionOver, [Phase.HalfOpen]),
        (Phase.Open, On.Reinstated, [Phase.Closed]),

        (Phase.HalfOpen, On.Admitted, [Phase.HalfOpen]),   // the trial begins
        (Phase.HalfOpen, On.FoundFalse, [Phase.Open]),
        (Phase.HalfOpen, On.FoundTrue, [Phase.Closed]),
        (Phase.HalfOpen, On.SuspensionOver, [Phase.HalfOpen]), // the trial has no end: another one
        (Phase.HalfOpen, On.Reinstated, [Phase.Closed]));

    /// <summary>What an input does. An illegal pair changes nothing and says so.</summary>
    public static Step Apply(BreakerState state, BreakerInput input)
    {
        var row = Table[state.Phase, input.Kind];
        if (!row.IsLegal)
        {
            return Step.Illegal(row.Label, state);
        }

        var after = input.Kind switch
        {
            On.Admitted => state.Phase == Phase.HalfOpen ? state with { Since = input.At } : state,
            On.FoundFalse => OnFoundFalse(state, input.At),
            On.FoundTrue => state.Phase == Phase.HalfOpen ? BreakerState.Start(state.Rule) : state,
            On.SuspensionOver => state with { Phase = Phase.HalfOpen, Since = 0 },
            On.Reinstated => BreakerState.Start(state.Rule),
        };
        Invariant.Holds(row.To.Contains(after.Phase), $"{row.Label} led to {after.Phase}.");
        return new Step(row.Label, true, after, EffectsOf(state.Phase, after.Phase));
    }

    private static BreakerState OnFoundFalse(BreakerState state, long at)
    {
        var counted = state with { FalseAt = state.FalseAt.RemoveAll(earlier => at - earlier >= state.Rule.WindowMilliseconds).Add(at) };
        var isSuspended = state.Phase != Phase.Closed || counted.FalseAt.Count >= state.Rule.FalseCountMax;
        return isSuspended ? counted with { Phase = Phase.Open, Since = at } : counted;
    }

    private static IReadOnlyList<BreakerEffect> EffectsOf(Phase before, Phase after) =>
        before == after || after == Phase.HalfOpen ? [] : after == Phase.Open ? [BreakerEffect.Suspended] : [BreakerEffect.Trusted];
}
