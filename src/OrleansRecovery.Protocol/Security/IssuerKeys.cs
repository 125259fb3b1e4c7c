using System.Collections.Immutable;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Security;

/// <summary>
/// Which keys a tenant's issuers have: the fold of the tenant's stream of keys. What enrollment binds to an issuer stands here and nowhere else; nothing is
/// taken from a message (draft, R-SGN-5). Immutable.
/// </summary>
public sealed class IssuerKeys
{
    private readonly ImmutableSortedDictionary<KeyId, IssuerKey> _keys;
    private readonly ImmutableHashSet<IssuerId> _issuers;

    private IssuerKeys(ImmutableSortedDictionary<KeyId, IssuerKey> keys, ImmutableHashSet<IssuerId> issuers) => (_keys, _issuers) = (keys, issuers);

    /// <summary>No issuer has a key.</summary>
    public static IssuerKeys None { get; } = new(ImmutableSortedDictionary<KeyId, IssuerKey>.Empty, []);

    /// <summary>All keys that there ever were, by name.</summary>
    public IEnumerable<IssuerKey> All => _keys.Values;

    /// <summary>Did the issuer ever have a key? Then it signs: to revoke its last key does not let others speak for it.</summary>
    public bool Signs(IssuerId issuer) => _issuers.Contains(issuer);

    /// <summary>The key with this name, whatever it is good for; null when there is none.</summary>
    public IssuerKey? Find(KeyId key) => _keys.GetValueOrDefault(key);

    /// <summary>Is this so already?</summary>
    public bool Has(IssuerKeyChange change) => Find(change.Key) is { } key && key.Issuer == change.Issuer && change.Change switch
    {
        IssuerKeyChangeKind.Added => key.Status == IssuerKeyStatus.Active,
        IssuerKeyChangeKind.Retired => key.Status == IssuerKeyStatus.Retired && key.Until == change.Until,
        IssuerKeyChangeKind.Revoked => key.Status == IssuerKeyStatus.Revoked,
    };

    /// <summary>The keys after a change; these ones where it is so already.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: the change does not fit the keys.</exception>
    public IssuerKeys WithOnce(IssuerKeyChange change) => Has(change) ? this : With(change);

    /// <summary>The keys after a change.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: the change does not fit the keys.</exception>
    public IssuerKeys With(IssuerKeyChange change)
    {
        var after = change.Change switch
        {
            IssuerKeyChangeKind.Added => Added(change),
            IssuerKeyChangeKind.Retired => Known(change) is { Status: IssuerKeyStatus.Active } key
                ? key with { Status = IssuerKeyStatus.Retired, Until = change.Until ?? throw Unfit(change, "says no time until which it verifies") }
                : throw Unfit(change, "is not active any more"),
            IssuerKeyChangeKind.Revoked => Known(change) is { Status: not IssuerKeyStatus.Revoked } key
                ? key with { Status = IssuerKeyStatus.Revoked, Until = null }
                : throw Unfit(change, "is revoked already"),
        };
        return new IssuerKeys(_keys.SetItem(after.Key.Key, after), _issuers.Add(after.Issuer));
    }

    // A key that was given once is never given again: neither to another issuer, nor after it was revoked.
    private IssuerKey Added(IssuerKeyChange change)
    {
        if (change.PublicKey is not { } key || key.Fingerprint != change.Key.Text)
        {
            throw Unfit(change, "is not named by its thumbprint");
        }

        if (_keys.ContainsKey(change.Key))
        {
            throw Unfit(change, "was given to an issuer before");
        }

        return change.Issuer == SignalPolicy.Host
            ? throw Unfit(change, "would be the host's, which signs no signals")
            : new IssuerKey(change.Issuer, key.Named(change.Key), IssuerKeyStatus.Active);
    }

    private IssuerKey Known(IssuerKeyChange change) => _keys.TryGetValue(change.Key, out var key) && key.Issuer == change.Issuer
        ? key
        : throw Unfit(change, $"is none of {change.Issuer}");

    private static RecoveryException Unfit(IssuerKeyChange change, string what) => RecoveryException.Of(
        RecoveryErrorCode.BadConfiguration,
        $"The key {change.Key} {what}.",
        "No key was changed.",
        "Read 'recovery keys list', and name a key that the change fits; for a new key use 'recovery keys generate'.");
}
