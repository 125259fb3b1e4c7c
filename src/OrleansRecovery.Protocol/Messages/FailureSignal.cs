using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>Why an interval cannot be trusted.</summary>
[JsonConverter(typeof(WireNameConverter<FailureReason>))]
public enum FailureReason
{
    /// <summary>The agent's process ended.</summary>
    Crash,

    /// <summary>The agent did not answer in time.</summary>
    Timeout,

    /// <summary>What the agent produced is wrong.</summary>
    InvalidOutput,

    /// <summary>An action of the agent failed.</summary>
    ActionFailed,

    /// <summary>What the agent relied on failed.</summary>
    DependencyFailed,

    /// <summary>The agent broke a rule.</summary>
    PolicyViolation,

    /// <summary>Time, money or another budget is used up.</summary>
    ResourceExhausted,

    /// <summary>The agent, or what it used, is in wrong hands.</summary>
    Compromised,

    /// <summary>Somebody withdrew the work.</summary>
    Canceled,

    /// <summary>None of these; the detail says more.</summary>
    Other,
}

/// <summary>
/// The statement that an interval, and so all that depends on it, cannot be trusted (recovery model, sections 1 and 4). It is a
/// claim: it is checked for signature, tenant, scope, freshness, uniqueness and quota before anything durable happens.
/// </summary>
/// <param name="Signal">Unique id.</param>
/// <param name="Issuer">Who says so.</param>
/// <param name="Tenant">The tenant of the execution.</param>
/// <param name="Execution">The execution.</param>
/// <param name="Suspect">The earliest interval that cannot be trusted.</param>
/// <param name="Incarnation">The agent's incarnation when it was detected.</param>
/// <param name="Reason">Why.</param>
/// <param name="DetectedAt">When, in milliseconds since 1970 UTC.</param>
/// <param name="ExpiresAt">From when on the signal is refused, in milliseconds since 1970 UTC.</param>
/// <param name="EvidenceDigest">SHA-256 of the evidence, 64 lower-case hexadecimal digits, or null.</param>
/// <param name="Detail">For people, at most 1,024 characters, or null; never interpreted.</param>
public sealed record FailureSignal(
    SignalId Signal,
    IssuerId Issuer,
    TenantId Tenant,
    ExecutionId Execution,
    Interval Suspect,
    Incarnation Incarnation,
    FailureReason Reason,
    long DetectedAt,
    long ExpiresAt,
    string? EvidenceDigest = null,
    string? Detail = null) : RecoveryMessage
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.FailureSignal;
}
