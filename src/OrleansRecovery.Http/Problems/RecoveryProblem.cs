using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Http.Problems;

/// <summary>Why a request was refused: problem details (RFC 9457) with the members of the draft's HTTP profile, section {#errors}.</summary>
/// <param name="Type">The problem type: the draft's, where <paramref name="Error"/> is one of its values; otherwise <c>about:blank</c>.</param>
/// <param name="Title">The name of the code.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">The cause.</param>
/// <param name="Error">The draft's name of the error; null where the server has trouble of its own.</param>
/// <param name="Code">The code, which has a page in docs/errors; null for what has none.</param>
/// <param name="Impact">What has, and has not, happened because of it.</param>
/// <param name="NextStep">What to do now.</param>
public sealed record RecoveryProblem(
    string Type, string Title, int Status, string Detail, string? Error, string? Code, string Impact, string NextStep)
{
    /// <summary>The draft's problem type (R-HTT-12).</summary>
    public const string RecoveryType = "https://iana.org/assignments/http-problem-types#agent-recovery";

    /// <summary>The media type of problem details.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>The problem of an error.</summary>
    public static RecoveryProblem Of(RecoveryError error)
    {
        var (status, name) = Answer(error.Code);
        return new RecoveryProblem(
            name is null ? "about:blank" : RecoveryType, error.Code.ToString(), status, error.Cause, name, error.Id, error.Impact, error.NextStep);
    }

    /// <summary>The status of an error, and its name in the draft.</summary>
    public static (int Status, string? Error) Answer(RecoveryErrorCode code) => code switch
    {
        RecoveryErrorCode.InvalidName => (400, "schema_violation"),
        RecoveryErrorCode.InvalidNumber => (400, "schema_violation"),
        RecoveryErrorCode.MalformedJson => (400, "malformed_json"),
        RecoveryErrorCode.UnknownVersion => (400, "unknown_version"),
        RecoveryErrorCode.SchemaViolation => (400, "schema_violation"),
        RecoveryErrorCode.PayloadTooLarge => (413, "payload_too_large"),
        RecoveryErrorCode.ForeignTenant => (403, "foreign_tenant"),
        RecoveryErrorCode.UnknownExecution => (404, "unknown_execution"),
        RecoveryErrorCode.UnknownAgent => (404, "unknown_agent"),
        RecoveryErrorCode.UnknownInterval => (409, "unknown_interval"),
        RecoveryErrorCode.UnknownRecovery => (404, "unknown_recovery"),
        RecoveryErrorCode.IllegalTransition => (409, "illegal_transition"),
        RecoveryErrorCode.CyclicDependency => (409, "illegal_transition"),
        RecoveryErrorCode.CorruptCheckpoint => (500, null),
        RecoveryErrorCode.CorruptDatabase => (500, null),
        RecoveryErrorCode.StorageFull => (507, null),
        RecoveryErrorCode.PermissionDenied => (500, null),
        RecoveryErrorCode.NewerSchema => (500, null),
        RecoveryErrorCode.StaleWriter => (409, "illegal_transition"),
        RecoveryErrorCode.BadSignature => (403, "bad_signature"),
        RecoveryErrorCode.StaleSignal => (409, "stale_signal"),
        RecoveryErrorCode.NotAuthorized => (403, "not_authorized"),
        RecoveryErrorCode.DampedSignal => (409, "repeated_signal"),
        RecoveryErrorCode.IssuerSuspended => (429, "quota_exceeded"),
        RecoveryErrorCode.TenantQuotaExceeded => (429, "quota_exceeded"),
        RecoveryErrorCode.QuotaExceeded => (429, "quota_exceeded"),
        RecoveryErrorCode.NotSerializable => (400, "schema_violation"),
        RecoveryErrorCode.AgentNotRegistered => (400, "schema_violation"),
        RecoveryErrorCode.NonDeterministicReplay => (500, null),
        RecoveryErrorCode.BrokenLedger => (500, null),
        RecoveryErrorCode.BadImport => (400, "schema_violation"),
        RecoveryErrorCode.BadConfiguration => (400, "schema_violation"),
        RecoveryErrorCode.StorageUnavailable => (503, null),
        RecoveryErrorCode.DecisionNotPossible => (409, "illegal_transition"),
        RecoveryErrorCode.UnsafeKeyFile => (500, null),
        RecoveryErrorCode.HostStopped => (503, null),
        RecoveryErrorCode.ExecutionClosed => (409, "execution_closed"),
        RecoveryErrorCode.UndeliverableMessage => (404, "unknown_agent"),
        RecoveryErrorCode.NoExecution => (404, "unknown_execution"),
        RecoveryErrorCode.UntrackedCall => (409, "illegal_transition"),
        RecoveryErrorCode.CallCycle => (409, "illegal_transition"),
        RecoveryErrorCode.UnsupportedMethod => (400, "schema_violation"),
        RecoveryErrorCode.RepeatedSignal => (409, "repeated_signal"),
        RecoveryErrorCode.ReusedKey => (422, "illegal_transition"),
        RecoveryErrorCode.UnknownKey => (404, "schema_violation"),
        RecoveryErrorCode.InvalidContract => (400, "schema_violation"),
        RecoveryErrorCode.CompoundContract => (400, "schema_violation"),
        RecoveryErrorCode.StepRefused => (403, "not_authorized"),
        RecoveryErrorCode.UnreadableValue => (400, "schema_violation"),
        RecoveryErrorCode.ModelUnavailable => (503, null),
        RecoveryErrorCode.ModelRefused => (500, null),
        RecoveryErrorCode.ToolRoundsExceeded => (500, null),
        RecoveryErrorCode.ToolNotUsable => (500, null),
        RecoveryErrorCode.MalformedEvidence => (400, "schema_violation"),
        RecoveryErrorCode.UntrustedEvidence => (403, "bad_signature"),
        RecoveryErrorCode.UnknownCapability => (404, "schema_violation"),
        RecoveryErrorCode.CapabilityRefused => (403, "not_authorized"),
    };
}
