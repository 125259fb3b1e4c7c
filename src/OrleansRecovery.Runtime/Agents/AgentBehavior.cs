using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>An agent class with its types erased: what a host runs.</summary>
internal sealed record AgentBehavior(
    Type AgentType,
    JsonTypeInfo State,
    Func<object> InitialState,
    IReadOnlyDictionary<string, HandlerBehavior> Handlers,
    IReadOnlyDictionary<string, ActionBehavior> Actions)
{
    /// <summary>What the records of tasks say of the code that ran.</summary>
    internal string Version { get; } = $"{AgentType.Name} {AgentType.Assembly.GetName().Version}";

    /// <summary>Which code it is: the file of the class, under the name that it is registered by.</summary>
    internal CapabilityCode Code { get; init; } = new(CapabilityCode.NameOf(AgentType.Name), () => CodeDigest.Of(AgentType.Assembly));
}

/// <summary>What an action costs a task, with its types erased.</summary>
internal sealed record ActionPrice(Func<object?, Charge> Estimate, Func<object?, object?, Charge> Actual, bool IsRefundable);

/// <summary>A handler with its types erased.</summary>
internal sealed record HandlerBehavior(string MessageType, JsonTypeInfo Message, Func<object, AgentTurn, Task> HandleAsync);

/// <summary>An action with its types erased.</summary>
internal sealed record ActionBehavior(
    string Name,
    ActionClass Class,
    JsonTypeInfo Argument,
    JsonTypeInfo Result,
    Func<object?, ActionContext, Task<object?>> ExecuteAsync,
    Func<object?, object?, CompensationContext, Task>? CompensateAsync)
{
    /// <summary>What it costs; null: one call.</summary>
    internal ActionPrice? Price { get; set; }

    /// <summary>Which code it is; without a name it is its class's name with its own.</summary>
    internal CapabilityCode Code { get; set; } = new(null, () => null);

    internal JsonElement WriteArgument(object? argument) => AgentJson.Write(argument, Argument);

    internal JsonElement WriteResult(object? result) => AgentJson.Write(result, Result);

    internal object? ReadArgument(JsonElement argument) => argument.Deserialize(Argument);

    internal object? ReadResult(JsonElement result) => result.Deserialize(Result);
}
