namespace OrleansRecovery.Protocol.Ledger;

/// <summary>In which way a record of a ledger is not sound.</summary>
public enum LedgerFaultKind
{
    /// <summary>The line is not a recovery record.</summary>
    Malformed,

    /// <summary>The line is a record, but not the one form of it: white space, order of members, needless escapes.</summary>
    NotCanonical,

    /// <summary>The record's schema version is not known.</summary>
    UnknownVersion,

    /// <summary>The record belongs to another tenant's ledger.</summary>
    ForeignTenant,

    /// <summary>Records before it are missing.</summary>
    Missing,

    /// <summary>Its position was there before: a record is doubled or out of order.</summary>
    Repeated,

    /// <summary>It follows another record than the one before it.</summary>
    WrongPrevious,

    /// <summary>Its hash does not match its content.</summary>
    Altered,

    /// <summary>No key was introduced before it, or it is signed with one that was not.</summary>
    UnknownKey,

    /// <summary>It is signed with a key that has handed over to another.</summary>
    RetiredKey,

    /// <summary>The key that opens the ledger is not the trusted one.</summary>
    UntrustedKey,

    /// <summary>Its signature does not verify.</summary>
    BadSignature,

    /// <summary>It cannot stand at this point of its recovery.</summary>
    OutOfOrder,

    /// <summary>The ledger has another record than the kept head says at this place: its history was written anew.</summary>
    AnotherHistory,

    /// <summary>The ledger ends before the kept head, or inside a record.</summary>
    Truncated,

    /// <summary>A published head is signed by no key of this ledger.</summary>
    UntrustedHead,
}

/// <summary>The first thing that is wrong with a ledger.</summary>
/// <param name="Line">The line, from 0: where the record should stand.</param>
/// <param name="What">What is wrong with it, for people: the end of a sentence that begins with the record.</param>
/// <param name="Kind">What is wrong with it.</param>
public sealed record LedgerFault(long Line, string What, LedgerFaultKind Kind);

/// <summary>What a reader knows of a ledger from elsewhere. Without it a ledger proves only that it is consistent with its own first key.</summary>
/// <param name="FirstKeyFingerprint">The <see cref="PublicKey.Fingerprint"/> of the key that must open it, or null.</param>
/// <param name="KeptHead">
/// A <see cref="LedgerVerifier.Head"/> that was kept outside, or null. It shows that whole signed batches are missing at the end, and that a ledger was
/// written anew by somebody who has its keys; the chain alone cannot.
/// </param>
/// <param name="PublishedHeads">Signed heads that were kept outside, in any order; null: none.</param>
public sealed record LedgerTrust(string? FirstKeyFingerprint = null, LedgerHead? KeptHead = null, IReadOnlyList<PublishedHead>? PublishedHeads = null)
{
    /// <summary>Nothing is known.</summary>
    public static LedgerTrust None { get; } = new();
}
