using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Telemetry;

/// <summary>
/// What the product tells of itself: spans, metrics and log scopes, all of them listed in docs/telemetry.md. Where nobody listens it costs nothing worth
/// measuring, and what listens changes nothing.
/// </summary>
public static class RecoveryTelemetry
{
    /// <summary>The name of the source of spans and of the meter: what a listener subscribes to.</summary>
    public const string Name = "OrleansRecovery";

    internal static ActivitySource Source { get; } = new(Name, Version);

    internal static Meter Meter { get; } = new(Name, Version);

    private static string? Version => typeof(RecoveryTelemetry).Assembly.GetName().Version?.ToString(3);

    /// <summary>
    /// The trace of a recovery. It follows from the recovery's name, so that every process that takes part finds it, before and after a crash, and nothing
    /// has to be carried or stored for it.
    /// </summary>
    public static ActivityTraceId TraceOf(ExecutionAddress execution, RecoveryId recovery) => ActivityTraceId.CreateFromBytes(Digest(execution, recovery)[..16]);

    // Sampled, since a recovery is rare and its trace is no use with holes: a sampler that follows the parent keeps all of it.
    internal static ActivityContext ParentOf(ExecutionAddress execution, RecoveryId recovery)
    {
        var digest = Digest(execution, recovery);
        return new ActivityContext(
            ActivityTraceId.CreateFromBytes(digest[..16]), ActivitySpanId.CreateFromBytes(digest[16..24]), ActivityTraceFlags.Recorded, isRemote: true);
    }

    private static ReadOnlySpan<byte> Digest(ExecutionAddress execution, RecoveryId recovery) =>
        SHA256.HashData(Encoding.UTF8.GetBytes($"{execution}/{recovery}"));
}
