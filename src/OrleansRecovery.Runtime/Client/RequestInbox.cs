using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Client;

/// <summary>A request that waits in the database for the host that drives the execution. Exactly one member is set.</summary>
/// <param name="Signal">A failure signal.</param>
/// <param name="Decision">A decision about a recovery.</param>
/// <param name="Pause">Pause (true) or resume (false).</param>
/// <param name="Seal">An interval that was validated.</param>
/// <param name="By">Who asks.</param>
/// <param name="Reason">Why.</param>
/// <param name="Signed">A failure signal in its signed form.</param>
public sealed record StoredRequest(
    FailureSignal? Signal, StoredDecision? Decision, bool? Pause, Interval? Seal, IssuerId By, string Reason, string? Signed = null)
{
    /// <summary>Does what is asked.</summary>
    /// <param name="client">The host.</param>
    /// <param name="execution">The execution in whose inbox it stands.</param>
    /// <param name="origin">Where the host proves who a signal comes from.</param>
    /// <param name="rule">Which signals must be signed.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task CarryOutAsync(
        IRecoveryClient client, ExecutionAddress execution, OriginCheck origin, SignatureRule rule, CancellationToken cancellationToken)
    {
        if (Signed is { } compact)
        {
            await client.SignalAsync(await ProvenAsync(compact, execution, origin, cancellationToken), cancellationToken);
        }
        else if (Signal is { } signal)
        {
            await origin.RequireAsync(execution.Tenant, signal, rule, cancellationToken);
            await client.SignalAsync(signal, cancellationToken);
        }
        else if (Decision is { } decision)
        {
            await client.DecideAsync(execution, decision.Recovery, decision.Decision, By, Reason, decision.Plan, cancellationToken);
        }
        else if (Seal is { } interval)
        {
            await client.SealAsync(execution, interval, By, cancellationToken);
        }
        else if (Pause is true)
        {
            await client.PauseAsync(execution, By, Reason, cancellationToken);
        }
        else if (Pause is false)
        {
            await client.ResumeAsync(execution, By, Reason, cancellationToken);
        }
    }

    private static async Task<FailureSignal> ProvenAsync(string compact, ExecutionAddress execution, OriginCheck origin, CancellationToken cancellationToken)
    {
        if (!SignedMessage.TryRead(Encoding.UTF8.GetBytes(compact), out var signed, out var error))
        {
            throw new RecoveryException(error);
        }

        await origin.RequireAsync(execution.Tenant, signed, cancellationToken);
        return signed.Message.RefusalAt(execution) is { } foreign ? throw new RecoveryException(foreign)
            : signed.Message.Message as FailureSignal ?? throw RecoveryException.Of(
                RecoveryErrorCode.SchemaViolation, "A signed request is no failure signal.", "It is not carried out.", "Send what a participant says over HTTP.");
    }
}

/// <summary>A decision about a recovery, as it waits.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Decision">The decision.</param>
/// <param name="Plan">The version of the set that was looked at, or null.</param>
public sealed record StoredDecision(RecoveryId Recovery, OperatorDecision Decision, long? Plan = null);

/// <summary>The durable inbox of an execution's host: how a process that does not drive the execution asks for something.</summary>
public static class RequestInbox
{
    private const string DoneMark = "done";

    /// <summary>Leaves a request. When the task completes it is durable.</summary>
    public static Task PostAsync(IJournal journal, ExecutionAddress execution, StoredRequest request, CancellationToken cancellationToken = default) =>
        journal.AppendAsync(
            new StreamAppend(
                StreamId.OfInbox(execution),
                StreamAppend.AnyVersion,
                [JsonSerializer.SerializeToUtf8Bytes(request, RequestJsonContext.Default.StoredRequest)],
                []),
            cancellationToken);

    /// <summary>Reads a stored request.</summary>
    /// <exception cref="RecoveryException"><c>MalformedJson</c>.</exception>
    public static StoredRequest Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, RequestJsonContext.Default.StoredRequest) ?? throw new JsonException("It is null.");
        }
        catch (Exception malformed) when (malformed is JsonException or NotSupportedException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.MalformedJson,
                $"A request in the inbox cannot be read: {malformed.Message}",
                "It is not carried out.",
                "Send it again with this version of the command line.",
                malformed);
        }
    }

    /// <summary>How many requests are done.</summary>
    public static Task<long> DoneAsync(IJournal journal, ExecutionAddress execution, CancellationToken cancellationToken) =>
        journal.VersionAsync(DoneStream(execution), cancellationToken);

    /// <summary>Notes that the first requests, so many, are done.</summary>
    public static async Task MarkDoneAsync(IJournal journal, ExecutionAddress execution, long count, CancellationToken cancellationToken)
    {
        for (var done = await DoneAsync(journal, execution, cancellationToken); done < count; done++)
        {
            await journal.AppendAsync(new StreamAppend(DoneStream(execution), done, ["{}"u8.ToArray()], []), cancellationToken);
        }
    }

    private static StreamId DoneStream(ExecutionAddress execution) => StreamId.OfInbox(execution) with { Name = DoneMark };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredRequest))]
internal sealed partial class RequestJsonContext : JsonSerializerContext;
