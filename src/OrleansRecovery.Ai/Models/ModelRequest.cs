using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Models;

/// <summary>Who says something in a conversation with a model.</summary>
public enum ModelRole
{
    /// <summary>The agent's author.</summary>
    System,

    /// <summary>The agent.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,

    /// <summary>A tool that the model called.</summary>
    Tool,
}

/// <summary>A tool that a model wants to be called. Whether it is, the gate decides.</summary>
/// <param name="Id">By which the result is told.</param>
/// <param name="Name">The tool's name, as the model knows it.</param>
/// <param name="Arguments">An object.</param>
public sealed record ToolCall(string Id, string Name, JsonElement Arguments);

/// <summary>One message of a conversation with a model. It can be kept in an agent's state.</summary>
/// <param name="Role">Who says it.</param>
/// <param name="Text">What.</param>
public sealed record ModelMessage(ModelRole Role, string Text)
{
    /// <summary>Of a model's message: the tools that it wants to be called.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>Of a tool's message: the call that it answers.</summary>
    public string? AnswersCall { get; init; }

    /// <summary>What the agent's author says.</summary>
    public static ModelMessage System(string text) => new(ModelRole.System, text);

    /// <summary>What the agent says.</summary>
    public static ModelMessage User(string text) => new(ModelRole.User, text);
}

/// <summary>A tool as a model is told of it. It cannot be called through this.</summary>
/// <param name="Name">ASCII letters, digits, <c>_</c> and <c>-</c>; 64 at most.</param>
/// <param name="Description">What it does.</param>
/// <param name="Schema">The JSON schema of its arguments, an object.</param>
public sealed record ToolDeclaration(string Name, string Description, JsonElement Schema);

/// <summary>
/// A question to a model. The journal keeps everything but the words: of messages and tools it has the digest. A handler that is run again says them again, and a replay
/// compares the digests.
/// </summary>
public sealed record ModelRequest
{
    /// <summary>The conversation; not journalled.</summary>
    [JsonIgnore]
    public IReadOnlyList<ModelMessage> Messages { get; init; } = [];

    /// <summary>What the model may ask to be called; not journalled, but for the names.</summary>
    [JsonIgnore]
    public IReadOnlyList<ToolDeclaration> Tools { get; init; } = [];

    /// <summary>Which tier is asked.</summary>
    public ModelTier Tier { get; init; }

    /// <summary>What kind of question it is: settings say how long each kind may take.</summary>
    public string TaskClass { get; init; } = "default";

    /// <summary>Most tokens that the model may write. Range 1 to 1,000,000; default 1,000.</summary>
    public int MaxOutputTokens { get; init; } = 1_000;

    /// <summary>The answer must be JSON.</summary>
    public bool WantsJson { get; init; }

    /// <summary>The tier that did not suffice; null when the agent begins with this one.</summary>
    public ModelTier? EscalatedFrom { get; init; }

    /// <summary>Why it did not suffice.</summary>
    public string? EscalationReason { get; init; }

    /// <summary>When an answer comes too late; not journalled. Set from the task.</summary>
    [JsonIgnore]
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>The names of the tools.</summary>
    public IReadOnlyList<string> ToolNames => [.. Tools.Select(tool => tool.Name)];

    /// <summary>SHA-256 of messages and tools, 64 lower-case hexadecimal digits.</summary>
    public string Digest => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(new { Messages, Tools }, AgentJson.Options)));

    /// <summary>The same question to a higher tier. That it is asked there, and why, stands in the record of the call.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: the tier is not higher.</exception>
    public ModelRequest EscalateTo(ModelTier tier, string reason) => tier > Tier
        ? this with { Tier = tier, EscalatedFrom = Tier, EscalationReason = reason }
        : throw RecoveryException.Of(
            RecoveryErrorCode.BadConfiguration, $"{tier} is no higher tier than {Tier}.", "No model was asked.", "Escalate to a higher tier, or handle the failure.");
}
