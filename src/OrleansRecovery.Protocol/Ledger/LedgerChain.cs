using System.Security.Cryptography;
using OrleansRecovery.Protocol.Errors;
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
    /// <param name="head">Where the ledger stands.</param>
    /// <param name="tenant">Whose ledger.</param>
    /// <param name="entry">What is to be written.</param>
    /// <param name="at">When, in milliseconds since 1970 UTC.</param>
    /// <exception cref="RecoveryException"><c>MalformedJson</c>: the body has no canonical form.</exception>
    public static (RecoveryRecord Record, byte[] Line, LedgerHead Head) Append(LedgerHead head, TenantId tenant, LedgerEntry entry, long at)
    {
        var open = new RecoveryRecord(
            RecoveryRecord.SchemaVersion, head.Next, tenant, entry.Kind, at, head.Hash, entry.Body, entry.Execution, entry.Recovery, entry.Actor, entry.Cause);
        var record = open with { Hash = HashOf(open) };
        return (record, LedgerCodec.Write(record), new LedgerHead(head.Next.Next, record.Hash!));
    }

    /// <summary>The hash that a record must have.</summary>
    public static string HashOf(RecoveryRecord record) => Convert.ToHexStringLower(SHA256.HashData(LedgerCodec.Write(record with { Hash = null })));

    /// <summary>Reads a stored line.</summary>
    /// <exception cref="RecoveryException"><c>BrokenLedger</c>: it is not a record. <c>UnknownVersion</c>: it is one of a later build.</exception>
    public static RecoveryRecord Read(ReadOnlySpan<byte> line) =>
        LedgerCodec.TryRead(line, out var record, out var error) ? record : throw new RecoveryException(error);
}
