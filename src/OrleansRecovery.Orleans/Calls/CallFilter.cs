using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Orleans.Calls;

/// <summary>
/// What every call of a grain passes. A call of a grain that takes part becomes a message: of the agent whose turn makes it, or from outside. A call that a turn
/// makes of any other grain is made, and its result recorded. Every other call goes its way.
/// </summary>
internal sealed class CallFilter(IServiceProvider services) : IOutgoingGrainCallFilter
{
    private static readonly ConcurrentDictionary<Type, bool> Internal = [];

    public Task Invoke(IOutgoingGrainCallContext context)
    {
        if (context.Grain is IRecoverableGrain)
        {
            return CallAgentAsync(context);
        }

        return RunningTurn.Current is { } turn && !IsInternal(context.Grain.GetType()) ? CallOtherAsync(context, turn) : context.Invoke();
    }

    internal static RecoveryException NoExecution(string called) => RecoveryException.Of(
        RecoveryErrorCode.NoExecution,
        $"{called} takes part in executions, and was called outside any.",
        "The call was not made: it would have had no state, and nothing of it could be undone.",
        "Call it by an agent, or from outside within ExecutionScope.Enter; not in a constructor, a timer or a compensation.");

    /// <summary>Makes the call a message to the agent, and waits for its response.</summary>
    internal async Task CallAgentAsync(IGrainCallContext context)
    {
        var name = GrainMethod.NameOf(context.InterfaceMethod);
        var turn = RunningTurn.Current;
        if (turn is null && CallOrigin.Execution is null)
        {
            throw NoExecution($"{context.TargetId.Key} ({name})");
        }

        var method = GrainMethod.Of(context.InterfaceMethod);
        var to = AgentId.Parse(context.TargetId.Key.ToString()!);
        var arguments = method.Write(context.Request);
        var value = turn is not null
            ? await turn.AskAsync(to, name, arguments)
            : await CallFromOutsideAsync(CallOrigin.Execution!.Value, to, name, arguments, context.Request.GetCancellationToken());
        GrainMethod.Answer(context, method.ValueType, value);
    }

    // A grain in between that takes no part has no journal: what the agent's turn learns from the response would rest on nothing.
    private Task<JsonElement> CallFromOutsideAsync(ExecutionAddress execution, AgentId to, string name, JsonElement arguments, CancellationToken cancellationToken) =>
        CallOrigin.Interval is { } interval
            ? throw RunningTurn.Untracked(
                $"{interval} of {execution} called a grain that takes no part, and that one calls {to} ({name}).",
                "Let the grain in between take part (RecoverableGrain), or let the agent make both calls.")
            : services.GetRequiredService<ClusterRecoveryClient>().AskAsync(execution, to, name, arguments, cancellationToken);

    private static async Task CallOtherAsync(IOutgoingGrainCallContext context, RunningTurn turn)
    {
        var method = context.InterfaceMethod;
        if (turn.IsActing || method is null || method.ReturnType == typeof(void))
        {
            CallOrigin.Set(turn); // recorded by the action's result, or without a result
            await context.Invoke();
            return;
        }

        var name = GrainMethod.NameOf(method);
        var valueType = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericArguments()[0] : null;
        var value = await turn.RecordAsync(name, async _ =>
        {
            CallOrigin.Set(turn);
            await context.Invoke();
            return AgentJson.Write(valueType is null ? null! : context.Result!, valueType ?? typeof(object));
        });
        GrainMethod.Answer(context, valueType, value);
    }

    // Our own grains, and those of the runtime, are called on behalf of a turn and not by it.
    private static bool IsInternal(Type reference) => Internal.GetOrAdd(reference, static type =>
        type.Assembly == typeof(CallFilter).Assembly || type.Assembly.GetName().Name!.StartsWith("Orleans.", StringComparison.Ordinal));
}
