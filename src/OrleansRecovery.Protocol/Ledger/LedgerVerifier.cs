using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>The first thing that is wrong with a ledger.</summary>
/// <param name="Line">The line, from 0: where the record should stand.</param>
/// <param name="What">What is wrong with it.</param>
public sealed record LedgerFault(long Line, string What);

/// <summary>
/// Checks a ledger line by line and stops at the first fault (recovery model, invariant 10): places without gaps, hashes, signatures, hand-over of keys, and
/// the order of what a recovery does. A chain shows every change, but not that whole signed batches are missing at the end: keep heads outside for that.
/// </summary>
public sealed class LedgerVerifier
{
    private readonly Dictionary<KeyId, LedgerPublicKey> _keys = [];
    private readonly Dictionary<RecoveryId, RecoveryRecordKind> _recoveries = [];
    private readonly HashSet<RecoveryId> _decided = [];
    private LedgerHead _head = LedgerHead.Empty;
    private TenantId? _tenant;
    private KeyId? _current;

    /// <summary>How many records were found sound.</summary>
    public long SoundCount { get; private set; }

    /// <summary>How many records at the end no head signs yet.</summary>
    public long UnsignedCount { get; private set; }

    /// <summary>Recoveries that were opened and have no outcome yet.</summary>
    public IReadOnlyCollection<RecoveryId> Open =>
        [.. _recoveries.Where(recovery => recovery.Value != RecoveryRecordKind.Outcome).Select(recovery => recovery.Key).Order()];

    /// <summary>The first fault, or null.</summary>
    public LedgerFault? Fault { get; private set; }

    /// <summary>The key that opened the ledger: compare its fingerprint with one that you trust.</summary>
    public LedgerPublicKey? FirstKey { get; private set; }

    /// <summary>Checks the next line. False, and a fault, when it is not sound; nothing after it is checked.</summary>
    public bool Check(ReadOnlySpan<byte> line)
    {
        if (Fault is not null)
        {
            return false;
        }

        RecoveryRecord record;
        try
        {
            record = LedgerChain.Read(line);
            if (!line.SequenceEqual(LedgerChain.Canonical(record)))
            {
                return Fail("it is not in canonical form");
            }
        }
        catch (RecoveryException malformed)
        {
            return Fail(malformed.Error.Cause);
        }

        var fault = ChainFault(record) ?? SignatureFault(record) ?? OrderFault(record);
        if (fault is not null)
        {
            return Fail(fault);
        }

        _head = new LedgerHead(record.Position.Next, record.Hash!);
        SoundCount++;
        UnsignedCount = record.Kind == RecoveryRecordKind.Head ? 0 : UnsignedCount + 1;
        return true;
    }

    private bool Fail(string what)
    {
        Fault = new LedgerFault(SoundCount, what);
        return false;
    }

    private string? ChainFault(RecoveryRecord record)
    {
        _tenant ??= record.Tenant;
        if (record.Ver != RecoveryRecord.SchemaVersion)
        {
            return $"its version is {record.Ver}, and this build knows {RecoveryRecord.SchemaVersion}";
        }

        if (record.Tenant != _tenant)
        {
            return $"it belongs to tenant {record.Tenant}, and the ledger to {_tenant}";
        }

        if (record.Position != _head.Next)
        {
            return $"it says position {record.Position}, and {_head.Next} follows: records are missing, doubled or out of order";
        }

        if (record.Previous != _head.Hash)
        {
            return "it does not follow the record before: its previous hash is another one";
        }

        return record.Hash == LedgerChain.HashOf(record) ? null : "its hash does not match its content: it was altered";
    }

    private string? SignatureFault(RecoveryRecord record)
    {
        try
        {
            return record.Kind switch
            {
                RecoveryRecordKind.KeyIntroduced => KeyFault(record),
                RecoveryRecordKind.Head => HeadFault(record),
                _ => _current is null ? "no key was introduced before it" : null,
            };
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException)
        {
            return $"its body is malformed: {malformed.Message}";
        }
    }

    private string? KeyFault(RecoveryRecord record)
    {
        var introduction = LedgerSignatures.ReadKey(record.Body)!;
        if (_current is { } current)
        {
            var statement = LedgerSignatures.HandOverStatement(record.Tenant, introduction.PublicKey);
            if (introduction.SignedBy != current || introduction.Signature is null
                || !_keys[current].Verifies(statement, Convert.FromBase64String(introduction.Signature)))
            {
                return $"key {introduction.PublicKey.Key} was not introduced by the key before it, {current}";
            }
        }

        FirstKey ??= introduction.PublicKey;
        _keys[introduction.PublicKey.Key] = introduction.PublicKey;
        _current = introduction.PublicKey.Key;
        return null;
    }

    private string? HeadFault(RecoveryRecord record)
    {
        var head = LedgerSignatures.ReadHead(record.Body)!;
        if (head.Key != _current || !_keys.TryGetValue(head.Key, out var key))
        {
            return $"it is signed with key {head.Key}, which is not the ledger's key here";
        }

        var statement = LedgerSignatures.HeadStatement(record.Tenant, record.Position, record.Previous);
        return head.Covers == record.Previous && key.Verifies(statement, Convert.FromBase64String(head.Signature))
            ? null
            : "its signature does not verify";
    }

    private string? OrderFault(RecoveryRecord record)
    {
        if (record.Recovery is not { } recovery)
        {
            return null;
        }

        var known = _recoveries.TryGetValue(recovery, out var last);
        if (record.Kind == RecoveryRecordKind.RecoveryOpened)
        {
            return known ? $"recovery {recovery} is opened twice" : Note(recovery, record.Kind);
        }

        if (!known)
        {
            return $"recovery {recovery} was not opened before";
        }

        if (last == RecoveryRecordKind.Outcome)
        {
            return $"recovery {recovery} has its outcome already";
        }

        if (record.Kind is RecoveryRecordKind.CompensationSettled or RecoveryRecordKind.Restored && !_decided.Contains(recovery))
        {
            return $"recovery {recovery} undoes before it has decided";
        }

        if (record.Kind == RecoveryRecordKind.Decided && !_decided.Add(recovery))
        {
            return $"recovery {recovery} decides twice";
        }

        return Note(recovery, record.Kind);
    }

    private string? Note(RecoveryId recovery, RecoveryRecordKind kind)
    {
        _recoveries[recovery] = kind;
        return null;
    }
}
