using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>
/// Checks a ledger line by line and stops at the first fault (recovery model, invariant 10): form, places without gaps, hashes, signatures, hand-over of
/// keys, and the order of what a recovery does. Memory grows with keys and recoveries, not with records. Never throws, whatever the lines hold.
/// <para>
/// A chain shows every change, but not that whole signed batches are missing at the end, nor a history written anew with the ledger's own key: give it a
/// head that was kept elsewhere (<see cref="LedgerTrust"/>), and call <see cref="Conclude"/> after the last line.
/// </para>
/// </summary>
/// <param name="trust">What is known of the ledger from elsewhere; default: nothing.</param>
public sealed class LedgerVerifier(LedgerTrust? trust = null)
{
    private readonly LedgerTrust _trust = trust ?? LedgerTrust.None;
    private readonly Dictionary<KeyId, PublicKey> _keys = [];
    private readonly RecoveryOrder _order = new();
    private readonly SortedDictionary<LedgerPosition, List<PublishedHead>> _published = Places(trust?.PublishedHeads ?? []);
    private TenantId? _tenant;
    private KeyId? _current;

    /// <summary>How many records were found sound.</summary>
    public long SoundCount { get; private set; }

    /// <summary>How many records at the end no head signs yet. They are consistent, and whoever could write to the ledger could have made them.</summary>
    public long UnsignedCount { get; private set; }

    /// <summary>Recoveries that were opened and have no outcome yet, in the order of their names.</summary>
    public IReadOnlyCollection<RecoveryId> Open => [.. _order.Open.Order()];

    /// <summary>The first fault, or null.</summary>
    public LedgerFault? Fault { get; private set; }

    /// <summary>The key that opened the ledger: compare its fingerprint with one that you trust.</summary>
    public PublicKey? FirstKey { get; private set; }

    /// <summary>The end of what was found sound. Keep it elsewhere, and give it to a later verification.</summary>
    public LedgerHead Head { get; private set; } = LedgerHead.Empty;

    /// <summary>Checks the next line. False, and a fault, when it is not sound; nothing after it is checked.</summary>
    public bool Check(ReadOnlySpan<byte> line)
    {
        if (Fault is not null)
        {
            return false;
        }

        if (!LedgerCodec.TryRead(line, out var record, out var error))
        {
            return Fail(error.Code == RecoveryErrorCode.UnknownVersion ? LedgerFaultKind.UnknownVersion : LedgerFaultKind.Malformed, error.Cause.TrimEnd('.'));
        }

        if (!IsCanonical(line, record) || !IsChained(record) || !IsSigned(record))
        {
            return false;
        }

        if (_order.FaultOf(record) is { } outOfOrder)
        {
            return Fail(LedgerFaultKind.OutOfOrder, outOfOrder);
        }

        if (!AgreesWithPublished(record))
        {
            return false;
        }

        Head = new LedgerHead(record.Position.Next, record.Hash!);
        if (_trust.KeptHead is { } kept && kept.Next == Head.Next && kept != Head)
        {
            return Fail(LedgerFaultKind.AnotherHistory, "it is not the record that the kept head names");
        }

        SoundCount++;
        UnsignedCount = record.Kind == RecoveryRecordKind.Head ? 0 : UnsignedCount + 1;
        return true;
    }

    /// <summary>Checks a whole file: every line, that the last one ends in a line feed, and then as <see cref="Conclude"/>.</summary>
    public bool CheckLines(ReadOnlySpan<byte> jsonLines)
    {
        while (!jsonLines.IsEmpty)
        {
            var end = jsonLines.IndexOf((byte)'\n');
            if (end < 0)
            {
                return Fail(LedgerFaultKind.Truncated, "it has no end: the file was cut inside it");
            }

            if (!Check(jsonLines[..end]))
            {
                return false;
            }

            jsonLines = jsonLines[(end + 1)..];
        }

        return Conclude();
    }

    /// <summary>There are no more lines: false, and a fault, when a head that was kept or published names a record that did not come.</summary>
    public bool Conclude() => Fault is null
        && (_trust.KeptHead is not { } kept || kept.Next <= Head.Next || Fail(
            LedgerFaultKind.Truncated, $"it is missing: the ledger ends here, and the kept head says that it has {kept.Next} records or more"))
        && (_published.Keys.LastOrDefault() is var last && (_published.Count == 0 || last < Head.Next || Fail(
            LedgerFaultKind.Truncated, $"it is missing: the ledger ends here, and a published head says that it has {last.Next} records or more")));

    // A head that was published at this place is the one that stands here; of two that say different things, whose signature is good tells a second history from a forgery.
    private bool AgreesWithPublished(RecoveryRecord record)
    {
        if (!_published.TryGetValue(record.Position, out var heads))
        {
            return true;
        }

        foreach (var head in heads)
        {
            if (!_keys.TryGetValue(head.Key, out var key) || head.Tenant != record.Tenant || !key.Verifies(head.Statement, head.Signature))
            {
                return Fail(LedgerFaultKind.UntrustedHead, $"the head that was published for it is signed by no key of this ledger ({head.Key})");
            }

            if (record.Kind != RecoveryRecordKind.Head || head.Covers != record.Previous)
            {
                return Fail(LedgerFaultKind.AnotherHistory, "it is not the head that was published: the ledger's key signed two histories");
            }
        }

        return true;
    }

    private static SortedDictionary<LedgerPosition, List<PublishedHead>> Places(IEnumerable<PublishedHead> heads) =>
        new(heads.Distinct().GroupBy(head => head.Position).ToDictionary(place => place.Key, place => place.ToList()));

    private bool Fail(LedgerFaultKind kind, string what)
    {
        Fault ??= new LedgerFault(SoundCount, what, kind);
        return false;
    }

    private bool IsCanonical(ReadOnlySpan<byte> line, RecoveryRecord record)
    {
        try
        {
            return line.SequenceEqual(LedgerCodec.Write(record)) || Fail(LedgerFaultKind.NotCanonical, "it is not in canonical form");
        }
        catch (Exception malformed) when (malformed is RecoveryException or InvalidOperationException)
        {
            // Something inside the body has no canonical form: a member twice, a number that is no integer, half of a surrogate pair.
            return Fail(LedgerFaultKind.NotCanonical, $"its body has no canonical form: {malformed.Message}");
        }
    }

    private bool IsChained(RecoveryRecord record)
    {
        _tenant ??= record.Tenant;
        if (record.Tenant != _tenant)
        {
            return Fail(LedgerFaultKind.ForeignTenant, $"it belongs to tenant {record.Tenant}, and the ledger to {_tenant}");
        }

        if (record.Position != Head.Next)
        {
            return record.Position > Head.Next
                ? Fail(LedgerFaultKind.Missing, $"it says position {record.Position}, and {Head.Next} follows: records are missing")
                : Fail(LedgerFaultKind.Repeated, $"it says position {record.Position}, and {Head.Next} follows: a record is doubled or out of order");
        }

        if (record.Hash != LedgerChain.HashOf(record))
        {
            return Fail(LedgerFaultKind.Altered, "its hash does not match its content: it was altered");
        }

        return record.Previous == Head.Hash
            || Fail(LedgerFaultKind.WrongPrevious, "it does not follow the record before: that one, or this one, was made anew");
    }

    private bool IsSigned(RecoveryRecord record)
    {
        try
        {
            return record.Kind == RecoveryRecordKind.KeyIntroduced ? IsIntroduced(record)
                : _current is null ? Fail(LedgerFaultKind.UnknownKey, "no key was introduced before it")
                : record.Kind != RecoveryRecordKind.Head || IsHead(record);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return Fail(LedgerFaultKind.Malformed, $"its body is malformed: {malformed.Message}");
        }
    }

    private bool IsIntroduced(RecoveryRecord record)
    {
        var introduction = LedgerSignatures.ReadKey(record.Body);
        var next = introduction.PublicKey;
        if (_current is { } current)
        {
            var statement = LedgerSignatures.HandOverStatement(record.Tenant, Head, next);
            if (introduction.SignedBy != current || introduction.Signature is null || !_keys[current].Verifies(statement, introduction.Signature))
            {
                return Fail(LedgerFaultKind.BadSignature, $"key {next.Key} was not introduced by the key before it, {current}");
            }
        }
        else if (_trust.FirstKeyFingerprint is { } trusted && next.Fingerprint != trusted)
        {
            return Fail(LedgerFaultKind.UntrustedKey, $"the ledger is opened by a key with fingerprint {next.Fingerprint}, which is not the trusted one");
        }

        // A name stays with its key: else an old head could be read as signed by another.
        if (_keys.TryGetValue(next.Key, out var namesake) && namesake != next)
        {
            return Fail(LedgerFaultKind.BadSignature, $"the name {next.Key} belongs to another key");
        }

        FirstKey ??= next;
        _keys[next.Key] = next;
        _current = next.Key;
        return true;
    }

    private bool IsHead(RecoveryRecord record)
    {
        var head = LedgerSignatures.ReadHead(record.Body);
        if (!_keys.TryGetValue(head.Key, out var key))
        {
            return Fail(LedgerFaultKind.UnknownKey, $"it is signed with key {head.Key}, which was never introduced");
        }

        if (head.Key != _current)
        {
            return Fail(LedgerFaultKind.RetiredKey, $"it is signed with key {head.Key}, which has handed over to {_current}");
        }

        return (head.Covers == Head.Hash && key.Verifies(LedgerSignatures.HeadStatement(record.Tenant, Head), head.Signature))
            || Fail(LedgerFaultKind.BadSignature, "its signature does not verify");
    }
}
