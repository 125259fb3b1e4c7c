using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using On = OrleansRecovery.Protocol.Execution.ExecutionInputKind;
using Phase = OrleansRecovery.Protocol.Execution.ExecutionPhase;
using Step = OrleansRecovery.Protocol.Machines.MachineStep<
    OrleansRecovery.Protocol.Execution.ExecutionState, OrleansRecovery.Protocol.Execution.ExecutionEffect>;

namespace OrleansRecovery.Protocol.Execution;

/// <summary>
/// The execution's state machine: which signal starts a recovery, which joins one, which waits, and what happens after the rollback (recovery
/// model, section 3). Pure, total, deterministic.
/// </summary>
public static class ExecutionMachine
{
    /// <summary>Every phase and input, with the phases that may follow.</summary>
    public static TransitionTable<Phase, On> Table { get; } = new(
        "E",
        (Phase.Running, On.Signalled, [Phase.Recovering, Phase.Escalated]),
        (Phase.Running, On.RecoveryDecided, []),
        (Phase.Running, On.RecoveryEnded, []),
        (Phase.Running, On.Paused, [Phase.Paused]),
        (Phase.Running, On.Continued, [Phase.Running]),
        (Phase.Running, On.RecoveryAllowed, []),
        (Phase.Running, On.Stopped, [Phase.Stopped]),

        (Phase.Paused, On.Signalled, [Phase.Recovering, Phase.Escalated]),
        (Phase.Paused, On.RecoveryDecided, []),
        (Phase.Paused, On.RecoveryEnded, []),
        (Phase.Paused, On.Paused, [Phase.Paused]),
        (Phase.Paused, On.Continued, [Phase.Running]),
        (Phase.Paused, On.RecoveryAllowed, []),
        (Phase.Paused, On.Stopped, [Phase.Stopped]),

        (Phase.Recovering, On.Signalled, [Phase.Recovering]),         // joins, or waits for the decided one's end
        (Phase.Recovering, On.RecoveryDecided, [Phase.Recovering]),
        (Phase.Recovering, On.RecoveryEnded, [Phase.Recovering, Phase.Running, Phase.Paused, Phase.Escalated, Phase.Stopped]),
        (Phase.Recovering, On.Paused, [Phase.Recovering]),            // holds, and is Paused when the recovery ends
        (Phase.Recovering, On.Continued, [Phase.Recovering]),
        (Phase.Recovering, On.RecoveryAllowed, []),
        (Phase.Recovering, On.Stopped, []),                           // a recovery is finished first

        (Phase.Escalated, On.Signalled, [Phase.Escalated]),           // waits for the operator with the others
        (Phase.Escalated, On.RecoveryDecided, []),
        (Phase.Escalated, On.RecoveryEnded, []),
        (Phase.Escalated, On.Paused, [Phase.Escalated]),
        (Phase.Escalated, On.Continued, [Phase.Escalated]),
        (Phase.Escalated, On.RecoveryAllowed, [Phase.Recovering]),
        (Phase.Escalated, On.Stopped, [Phase.Stopped]),

        (Phase.Stopped, On.Signalled, [Phase.Recovering, Phase.Escalated]), // its effects may still be found wrong
        (Phase.Stopped, On.RecoveryDecided, []),
        (Phase.Stopped, On.RecoveryEnded, []),
        (Phase.Stopped, On.Paused, [Phase.Stopped]),
        (Phase.Stopped, On.Continued, []),                            // a stopped execution does not go on
        (Phase.Stopped, On.RecoveryAllowed, []),
        (Phase.Stopped, On.Stopped, [Phase.Stopped]));

    /// <summary>What an input does. An illegal pair changes nothing and says so.</summary>
    public static Step Apply(ExecutionState state, ExecutionInput input)
    {
        var row = Table[state.Phase, input.Kind];
        if (!row.IsLegal)
        {
            return Step.Illegal(row.Label, state);
        }

        var effects = new List<ExecutionEffect>();
        var after = input.Kind switch
        {
            On.Signalled => OnSignalled(state, (ExecutionInput.Signalled)input, effects),
            On.RecoveryDecided => state with { Recovery = state.Recovery! with { IsDecided = true } },
            On.RecoveryEnded => OnRecoveryEnded(state, (ExecutionInput.RecoveryEnded)input, effects),
            On.Paused => OnPaused(state, effects),
            On.Continued => OnContinued(state, effects),
            On.RecoveryAllowed => Recover(state, ((ExecutionInput.RecoveryAllowed)input).Fresh, effects),
            On.Stopped => OnStopped(state, effects),
        };
        Invariant.Holds(row.To.Contains(after.Phase), $"{row.Label} led to {after.Phase}.");
        return new Step(row.Label, true, after, effects);
    }

    private static ExecutionState OnSignalled(ExecutionState state, ExecutionInput.Signalled input, List<ExecutionEffect> effects)
    {
        var signal = input.Signal;
        if (state.Recovery is { IsDecided: false } open)
        {
            effects.Add(new ExecutionEffect.JoinRecovery(open.Recovery, signal));
            return Count(state, signal.Suspect.Agent) with { Recovery = open with { Suspects = open.Suspects.Add(signal.Suspect.Agent) } };
        }

        var waiting = state with { Waiting = state.Waiting.Add(signal) };
        return state.Phase is Phase.Recovering or Phase.Escalated ? waiting : RecoverOrEscalate(waiting, input.Fresh, effects);
    }

    private static ExecutionState OnRecoveryEnded(ExecutionState state, ExecutionInput.RecoveryEnded input, List<ExecutionEffect> effects)
    {
        var ended = state with
        {
            Recovery = null,
            EndedAt = input.At is { } at ? state.EndedAt.SetItem(input.Outcome.Recovery, at) : state.EndedAt,
        };
        var undone = input.Outcome.Result != RecoveryResult.Aborted;
        if (undone && state.Policy.AfterRollback == AfterRollbackRule.Fallback)
        {
            foreach (var agent in state.Recovery!.Suspects.Where(agent => !state.OnFallback.Contains(agent) && state.Failures[agent] > state.Policy.RetryCountMax))
            {
                effects.Add(new ExecutionEffect.HandToFallback(agent));
                ended = ended with { OnFallback = ended.OnFallback.Add(agent) };
            }
        }

        if (!ended.Waiting.IsEmpty)
        {
            return RecoverOrEscalate(ended, input.Fresh, effects);
        }

        if (undone && state.Policy.AfterRollback == AfterRollbackRule.Stop)
        {
            effects.Add(new ExecutionEffect.Hold());
            return ended with { Phase = Phase.Stopped };
        }

        effects.Add(ended.IsPaused ? new ExecutionEffect.Hold() : new ExecutionEffect.Resume());
        return ended with { Phase = ended.IsPaused ? Phase.Paused : Phase.Running };
    }

    private static ExecutionState OnPaused(ExecutionState state, List<ExecutionEffect> effects)
    {
        effects.Add(new ExecutionEffect.Hold());
        return state with { IsPaused = true, Phase = state.Phase == Phase.Running ? Phase.Paused : state.Phase };
    }

    private static ExecutionState OnContinued(ExecutionState state, List<ExecutionEffect> effects)
    {
        if (state.Phase is not Phase.Escalated)
        {
            effects.Add(new ExecutionEffect.Resume());
        }

        return state with { IsPaused = false, Phase = state.Phase == Phase.Paused ? Phase.Running : state.Phase };
    }

    private static ExecutionState OnStopped(ExecutionState state, List<ExecutionEffect> effects)
    {
        effects.Add(new ExecutionEffect.Hold());
        return state with { Phase = Phase.Stopped };
    }

    // Faults of agents often recur: after so many recoveries for one agent a person decides (theory, section 2, recurrent failure).
    private static ExecutionState RecoverOrEscalate(ExecutionState state, RecoveryId fresh, List<ExecutionEffect> effects)
    {
        var worn = state.Waiting.Exists(signal =>
            state.Failures.GetValueOrDefault(signal.Suspect.Agent) >= state.Policy.RecoveryCountMax);
        if (!worn)
        {
            return Recover(state, fresh, effects);
        }

        effects.Add(new ExecutionEffect.Hold());
        return state with { Phase = Phase.Escalated };
    }

    private static ExecutionState Recover(ExecutionState state, RecoveryId fresh, List<ExecutionEffect> effects)
    {
        effects.Add(new ExecutionEffect.OpenRecovery(fresh, state.Waiting));
        var suspects = state.Waiting.Select(signal => signal.Suspect.Agent).Distinct().ToList();
        var after = suspects.Aggregate(state, Count);
        return after with
        {
            Phase = Phase.Recovering,
            Recovery = new OpenRecoveryState(fresh, false, [.. suspects]),
            Waiting = [],
        };
    }

    private static ExecutionState Count(ExecutionState state, AgentId agent) =>
        state with { Failures = state.Failures.SetItem(agent, state.Failures.GetValueOrDefault(agent) + 1) };
}
