using System.Security.Cryptography;
using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>Where a ledger stands: what the next record must follow.</summary>
/// <param name="Next">The position of the next record.</param>
/// <param name="Hash">The hash of the last one.</param>
public readonly record struct LedgerHead(LedgerPosition Next, string Hash)
{
    /// <summary>A ledger without records.</summary>
    public static LedgerHead Empty { get; } = new(LedgerPosition.First, RecoveryRecord.NoPrevious);
}

/// <summary>Builds and reads the records of a ledger: the one place that knows how they are hashed.</summary>
public static class LedgerChain
{
    /// <summary>The record for an entry at the head, and its stored form: one line of canonical JSON.</summary>
    public static (RecoveryRecord Record, byte[] Line, LedgerHead Head) Append(LedgerHead head, TenantId tenant, LedgerEntry entry, long at)
    {
        var open = new RecoveryRecord(
            RecoveryRecord.SchemaVersion, head.Next, tenant, entry.Kind, at, head.Hash, entry.Body, entry.Execution, entry.Recovery, entry.Actor);
        var record = open with { Hash = HashOf(open) };
        return (record, Canonical(record), new LedgerHead(head.Next.Next, record.Hash!));
    }

    /// <summary>The hash that a record must have.</summary>
    public static string HashOf(RecoveryRecord record) => Convert.ToHexStringLower(SHA256.HashData(Canonical(record with { Hash = null })));

    /// <summary>Reads a stored line.</summary>
    /// <exception cref="RecoveryException"><c>BrokenLedger</c>: it is not a record.</exception>
    public static RecoveryRecord Read(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, LedgerJsonContext.Default.RecoveryRecord) ?? throw new JsonException("It is null.");
        }
        catch (Exception malformed) when (malformed is JsonException or RecoveryException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BrokenLedger,
                $"A line of the ledger is not a recovery record: {malformed.Message}",
                "From this line on the ledger proves nothing.",
                "Compare it with an exported copy, and find out who could write to the database.",
                malformed);
        }
    }

    /// <summary>The canonical bytes of a record.</summary>
    public static byte[] Canonical(RecoveryRecord record) =>
        CanonicalJson.Write(JsonSerializer.SerializeToElement(record, LedgerJsonContext.Default.RecoveryRecord));
}
