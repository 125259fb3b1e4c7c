using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Tasks;

namespace OrleansRecovery.Ai.Models;

/// <summary>Why a provider gave no answer, and the next one was asked.</summary>
public enum TryFailure
{
    /// <summary>It took too long. It may have been billed, and is charged so.</summary>
    TimedOut,

    /// <summary>429.</summary>
    RateLimited,

    /// <summary>5xx.</summary>
    ServerError,

    /// <summary>No connection, or it broke.</summary>
    Unreachable,

    /// <summary>What came back is no answer. It may have been billed, and is charged so.</summary>
    Malformed,

    /// <summary>It failed so often that it was not asked.</summary>
    CircuitOpen,

    /// <summary>Another 4xx: the key, the model's name or the question is not taken. Asking again, or somebody else, would not help: only a check says so.</summary>
    Refused,
}

/// <summary>A provider that gave no answer.</summary>
/// <param name="Provider">Which.</param>
/// <param name="Failure">Why.</param>
/// <param name="Status">The HTTP status, where there was one.</param>
/// <param name="Tokens">What it may have billed all the same.</param>
/// <param name="Cost">What those cost.</param>
public sealed record FailedTry(string Provider, TryFailure Failure, int? Status, long Tokens, long Cost)
{
    /// <summary>For people.</summary>
    public override string ToString() => Status is { } status ? $"{Provider}: {Failure}, status {status}" : $"{Provider}: {Failure}";
}

/// <summary>What a model answered: what the journal keeps of a call, and a replay is given again.</summary>
public sealed record ModelAnswer
{
    /// <summary>What it says.</summary>
    public string Text { get; init; } = "";

    /// <summary>What it wants to be called.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>Why it stopped: <c>stop</c>, <c>length</c>, <c>tool_calls</c>, <c>content_filter</c>, or what the provider says.</summary>
    public string FinishReason { get; init; } = "";

    /// <summary>Who answered.</summary>
    public string Provider { get; init; } = "";

    /// <summary>The model, as the provider says it.</summary>
    public string Model { get; init; } = "";

    /// <summary>Which tier was asked.</summary>
    public ModelTier Tier { get; init; }

    /// <summary>The digest of the question.</summary>
    public string RequestDigest { get; init; } = "";

    /// <summary>Tokens that it read.</summary>
    public long InputTokens { get; init; }

    /// <summary>Tokens that it wrote.</summary>
    public long OutputTokens { get; init; }

    /// <summary>The provider did not say what it used, or nothing that can be: the numbers are estimates.</summary>
    public bool IsUsageEstimated { get; init; }

    /// <summary>What the answer cost.</summary>
    public long Cost { get; init; }

    /// <summary>How long it took, from the question to the answer, all tries together, in milliseconds.</summary>
    public long ElapsedMilliseconds { get; init; }

    /// <summary>Who was asked before, in order.</summary>
    public IReadOnlyList<FailedTry> FailedTries { get; init; } = [];

    /// <summary>What a task is charged: the answer, and what failed tries may have billed.</summary>
    [JsonIgnore]
    public Charge Spent => SpentOn(FailedTries) with { Tokens = InputTokens + OutputTokens + FailedTries.Sum(tried => tried.Tokens), Cost = Cost + FailedTries.Sum(tried => tried.Cost) };

    internal static Charge SpentOn(IReadOnlyList<FailedTry> tries) => new(1, tries.Sum(tried => tried.Tokens), tries.Sum(tried => tried.Cost));
}
