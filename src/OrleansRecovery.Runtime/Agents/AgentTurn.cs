using System.Text.Json;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>What a host gives to a handler: the untyped side of <see cref="AgentContext{TState}"/>.</summary>
internal abstract class AgentTurn
{
    internal abstract AgentId Agent { get; }

    internal abstract ExecutionAddress Execution { get; }

    internal abstract MessageId Message { get; }

    internal abstract Interval Interval { get; }

    internal abstract Incarnation Incarnation { get; }

    internal abstract CancellationToken CancellationToken { get; }

    internal abstract object State { get; set; }

    internal abstract AgentTask? CurrentTask { get; }

    internal abstract void Send(AgentId to, object message, Type type, DependencyStrength strength);

    internal abstract void Reply(string type, Func<JsonElement> payload);

    internal abstract Task<AgentResponse> AskAsync(AgentId to, string type, Func<JsonElement> payload);

    internal abstract Task<DelegatedResult> DelegateAsync(Delegation delegation);

    internal abstract void Attach(string name, string mediaType, ReadOnlyMemory<byte> content);

    internal abstract void Heartbeat();

    internal abstract Task SaveAsync(string name, string mediaType, ReadOnlyMemory<byte> content);

    internal abstract Task<IReadOnlyList<TaskAttachment>> SavedAsync();

    internal abstract JsonElement Write(object message, Type type);

    internal abstract object Read(JsonElement payload, Type type);

    internal abstract Task CheckpointAsync();

    internal abstract Task<object?> ActAsync(ActionBehavior action, object? argument);

    internal abstract Task<object?> RecordAsync(string name, Type type, Func<CancellationToken, Task<object?>> read);

    internal abstract void Declare(Interval producer, DependencyKind kind, DependencyStrength strength);
}
