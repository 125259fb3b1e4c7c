using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Orleans.Calls;

/// <summary>Where a call comes from: what goes with it in the request context, from grain to grain.</summary>
internal static class CallOrigin
{
    private const string ExecutionKey = "recovery.execution";
    private const string IntervalKey = "recovery.interval";
    private const string IncarnationKey = "recovery.incarnation";

    /// <summary>The execution that the call belongs to.</summary>
    internal static ExecutionAddress? Execution
    {
        get => RequestContext.Get(ExecutionKey) is string key ? GrainKeys.ExecutionOf(key) : null;
        set
        {
            if (value is { } execution)
            {
                RequestContext.Set(ExecutionKey, GrainKeys.OfExecution(execution));
            }
            else
            {
                RequestContext.Remove(ExecutionKey);
            }
        }
    }

    /// <summary>The interval of the agent whose turn made the call, for people; null for a call from outside.</summary>
    internal static string? Interval => RequestContext.Get(IntervalKey) is string interval ? $"{interval} (incarnation {RequestContext.Get(IncarnationKey)})" : null;

    /// <summary>The call is made by a turn.</summary>
    internal static void Set(RunningTurn turn)
    {
        Execution = turn.Execution;
        RequestContext.Set(IntervalKey, turn.Interval.ToString());
        RequestContext.Set(IncarnationKey, turn.Incarnation.Number);
    }
}
