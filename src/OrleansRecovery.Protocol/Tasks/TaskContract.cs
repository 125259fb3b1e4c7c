using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>When the failure of a task is more than its delegator's business.</summary>
[JsonConverter(typeof(WireNameConverter<EscalationCondition>))]
public enum EscalationCondition
{
    /// <summary>A rejected result is a failure of the interval that sent it: a recovery begins, and policy decides, in the end by asking an operator.</summary>
    RejectedResult,

    /// <summary>Never: the delegator is told, and decides.</summary>
    Never,
}

/// <summary>
/// What one agent asks of another, and within which bounds: the contract of a task. It is checked before it is accepted (<see cref="TaskContracts"/>), and every
/// step of the task is held to it (<see cref="Gate"/>). In JSON every member but the last three must be there, and no other may.
/// </summary>
public sealed record TaskContract
{
    /// <summary>The idempotency key: a name. An agent that delegates under the same key again has the same task.</summary>
    public required string Key { get; init; }

    /// <summary>What is to be done: one thing, one sentence, at most 280 characters.</summary>
    public required string Objective { get; init; }

    /// <summary>The names of the actions and values from outside that the worker may use, and of the message types that it may delegate further. At most 64.</summary>
    public required IReadOnlyList<string> AllowedActions { get; init; }

    /// <summary>The members of the message that the worker is to know; the message may have no other. At most 64.</summary>
    public required IReadOnlyList<string> InputScope { get; init; }

    /// <summary>What the result must be like: a JSON Schema, as far as <see cref="Tasks.OutputSchema"/> knows it.</summary>
    public required JsonElement OutputSchema { get; init; }

    /// <summary>How long the task may take from its delegation on, in milliseconds. Range 1 to 2,592,000,000 (30 days).</summary>
    public required long TimeBudgetMilliseconds { get; init; }

    /// <summary>What it may cost in all, with everything that was in vain.</summary>
    public required Charge CostBudget { get; init; }

    /// <summary>When a failure of it is signalled.</summary>
    public required EscalationCondition Escalation { get; init; }

    /// <summary>How often a result may be handed back with the reasons. Range 0 to 10; default 1.</summary>
    public int RevisionCountMax { get; init; } = 1;

    /// <summary>So many failures of one action in a row open its circuit: for a while it is refused. Range 1 to 100; default 3.</summary>
    public int FailureCountMax { get; init; } = 3;

    /// <summary>Must every attachment of the result be of a media type whose content can be checked? Default: yes.</summary>
    public bool RequiresKnownMediaTypes { get; init; } = true;
}
