using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Security;

/// <summary>What an issuer's key is good for.</summary>
[JsonConverter(typeof(WireNameConverter<IssuerKeyStatus>))]
public enum IssuerKeyStatus
{
    /// <summary>It verifies.</summary>
    Active,

    /// <summary>Another one took its place: it verifies until a time, for what was signed before.</summary>
    Retired,

    /// <summary>It verifies nothing any more, whenever that was signed.</summary>
    Revoked,
}

/// <summary>A public key that enrollment binds to an issuer.</summary>
/// <param name="Issuer">Whose key; one key has one issuer.</param>
/// <param name="Key">The key. Its name is its thumbprint, so that no two keys have one name.</param>
/// <param name="Status">What it is good for.</param>
/// <param name="Until">For a retired key, the last moment at which it verifies, in milliseconds since 1970 UTC.</param>
public sealed record IssuerKey(IssuerId Issuer, PublicKey Key, IssuerKeyStatus Status, long? Until = null)
{
    /// <summary>Does what it signed count now?</summary>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    public bool IsGood(long now) => Status switch
    {
        IssuerKeyStatus.Active => true,
        IssuerKeyStatus.Retired => now <= Until,
        IssuerKeyStatus.Revoked => false,
    };
}

/// <summary>What happened to a key.</summary>
[JsonConverter(typeof(WireNameConverter<IssuerKeyChangeKind>))]
public enum IssuerKeyChangeKind
{
    /// <summary>An issuer has it from now on.</summary>
    Added,

    /// <summary>Another one takes its place.</summary>
    Retired,

    /// <summary>It is in wrong hands, or its issuer is not to signal any more.</summary>
    Revoked,
}

/// <summary>One record of a tenant's stream of keys.</summary>
/// <param name="Change">What happened.</param>
/// <param name="Issuer">Whose key.</param>
/// <param name="Key">The key's name: its thumbprint.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
/// <param name="By">Who did it.</param>
/// <param name="Reason">Why.</param>
/// <param name="PublicKey">For an added key, the key.</param>
/// <param name="Until">For a retired key, the last moment at which it verifies.</param>
public sealed record IssuerKeyChange(
    IssuerKeyChangeKind Change, IssuerId Issuer, KeyId Key, long At, IssuerId By, string Reason, PublicKey? PublicKey = null, long? Until = null)
{
    /// <summary>An issuer gets a key.</summary>
    public static IssuerKeyChange Add(IssuerId issuer, PublicKey key, long at, IssuerId by, string reason) =>
        new(IssuerKeyChangeKind.Added, issuer, KeyId.Parse(key.Fingerprint), at, by, reason, key);

    /// <summary>A key verifies until a time, and not longer.</summary>
    public static IssuerKeyChange Retire(IssuerKey key, long until, long at, IssuerId by, string reason) =>
        new(IssuerKeyChangeKind.Retired, key.Issuer, key.Key.Key, at, by, reason, Until: until);

    /// <summary>A key verifies nothing any more.</summary>
    public static IssuerKeyChange Revoke(IssuerKey key, long at, IssuerId by, string reason) =>
        new(IssuerKeyChangeKind.Revoked, key.Issuer, key.Key.Key, at, by, reason);
}
