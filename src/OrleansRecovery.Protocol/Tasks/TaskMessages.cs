using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>The payload of a message that delegates a task.</summary>
/// <param name="Contract">The contract.</param>
/// <param name="Execution">The execution that the task belongs to, with its tenant.</param>
/// <param name="Delegator">Who delegates.</param>
/// <param name="Worker">Who is to do it.</param>
/// <param name="Type">The registered name of the message's type.</param>
/// <param name="Message">The message.</param>
/// <param name="DelegatedAt">When, in milliseconds since 1970 UTC, by the delegator's clock: the time budget begins here, also for revisions.</param>
/// <param name="Round">0, and one more for each revision.</param>
/// <param name="Reasons">Why the last result was handed back.</param>
/// <param name="Task">For a revision: where the first request stands in the delegator's journal.</param>
public sealed record TaskRequest(
    TaskContract Contract,
    ExecutionAddress Execution,
    AgentId Delegator,
    AgentId Worker,
    string Type,
    JsonElement Message,
    long DelegatedAt,
    int Round,
    IReadOnlyList<string> Reasons,
    SequenceNumber? Task = null)
{
    /// <summary>The name of the message's type.</summary>
    public const string TypeName = "@task";

    /// <summary>From then on every step of the task is refused, in milliseconds since 1970 UTC.</summary>
    [JsonIgnore]
    public long Deadline => DelegatedAt + Contract.TimeBudgetMilliseconds;

    /// <summary>
    /// The request as its worker accepts it: a delegator's clock that is ahead gives no more time than the budget, and neither does a request that comes again.
    /// </summary>
    /// <param name="now">The worker's time, in milliseconds since 1970 UTC.</param>
    /// <param name="deadline">When the task's time is over, where it was accepted before.</param>
    public TaskRequest AcceptedAt(long now, long? deadline)
    {
        var began = Math.Min(DelegatedAt, now);
        return this with { DelegatedAt = deadline is { } known ? Math.Min(began, known - Contract.TimeBudgetMilliseconds) : began };
    }

    /// <summary>The task that a request asks for: named by its first request.</summary>
    public MessageId TaskOf(MessageId request) => new(request.Sender, Task ?? request.Sequence);
}

/// <summary>Content that goes with a result.</summary>
/// <param name="Name">Its name.</param>
/// <param name="MediaType">What it is: <c>application/json</c>.</param>
/// <param name="Content">Its bytes, base64 in JSON.</param>
/// <param name="Checksum">SHA-256 of the bytes, 64 lower-case hexadecimal digits.</param>
public sealed record TaskAttachment(string Name, string MediaType, ReadOnlyMemory<byte> Content, string Checksum);

/// <summary>The payload of a message that answers a task.</summary>
/// <param name="Type">The registered name of the value's type.</param>
/// <param name="Value">The value.</param>
/// <param name="Checksum">SHA-256 of the value's compact JSON (<see cref="ContentChecks.ChecksumOf(JsonElement)"/>).</param>
/// <param name="Attachments">Content that goes with it.</param>
/// <param name="Spent">What the task has cost the worker, with everything that was in vain.</param>
public sealed record TaskResult(string Type, JsonElement Value, string Checksum, IReadOnlyList<TaskAttachment> Attachments, Charge Spent)
{
    /// <summary>The name of the message's type.</summary>
    public const string TypeName = "@result";
}

/// <summary>The payload of a message that says that a task is not done.</summary>
/// <param name="Reason">Why, for people.</param>
/// <param name="Spent">What the task has cost the worker all the same.</param>
/// <param name="Refusal">Which check of the gate it did not pass; null: the worker declined, or ended without a result.</param>
/// <param name="Code">Where the worker declined: why, for programs.</param>
public sealed record TaskRefusal(string Reason, Charge Spent, GateRefusal? Refusal = null, string? Code = null)
{
    /// <summary>The name of the message's type.</summary>
    public const string TypeName = "@refused";
}
