using System.Collections.Frozen;
using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Http.Access;

/// <summary>One rule of a table: somebody may do something.</summary>
/// <param name="Who">The name that a certificate or a signature proves.</param>
/// <param name="May">What.</param>
/// <param name="Agents">
/// About which agents it may signal, to which it may send, for which it may speak; <c>*</c> stands for every one. Missing: the agent of its own name alone.
/// </param>
public sealed record AccessRule(IssuerId Who, IReadOnlyList<AccessKind> May, IReadOnlyList<string>? Agents = null)
{
    private const string Every = "*";

    internal bool Covers(AgentId agent) =>
        Agents is null ? agent.Text == Who.Text : Agents.Contains(Every, StringComparer.Ordinal) || Agents.Contains(agent.Text, StringComparer.Ordinal);

    internal void Validate()
    {
        foreach (var agent in (Agents ?? []).Where(name => name != Every))
        {
            AgentId.Parse(agent);
        }
    }
}

/// <summary>
/// Who may do what, tenant by tenant. What no rule allows is refused: somebody who is not named, somebody whom nothing proves, and whoever acts in another's name. Of a
/// signed message the signature proves who it is, of everything else the certificate of the connection.
/// </summary>
public sealed class AccessTable : IAccessRules
{
    // No tenant's name: none has a $ in it.
    private const string RevokedMember = "$revoked";

    // Longer ones are no serial numbers of certificates (RFC 5280, section 4.1.2.2).
    private const int SerialDigitsMax = 40;

    private readonly FrozenDictionary<TenantId, IReadOnlyList<AccessRule>> _rules;
    private readonly FrozenSet<string> _revoked;

    /// <summary>A table of rules.</summary>
    /// <param name="rules">The rules of each tenant.</param>
    /// <param name="revoked">
    /// Serial numbers of certificates that are shut out, in hexadecimal digits. It is the serial number and not a digest of the certificate, since whoever holds one can write
    /// its signature in another way, and so make another digest; the number is signed.
    /// </param>
    /// <exception cref="RecoveryException"><c>InvalidName</c>: an agent's. <c>InvalidNumber</c>: a serial number's.</exception>
    public AccessTable(IReadOnlyDictionary<TenantId, IReadOnlyList<AccessRule>> rules, params IReadOnlyList<string> revoked)
    {
        ArgumentNullException.ThrowIfNull(rules);
        ArgumentNullException.ThrowIfNull(revoked);
        _revoked = revoked.Select(SerialOf).ToFrozenSet(StringComparer.Ordinal);
        foreach (var rule in rules.Values.SelectMany(tenant => tenant))
        {
            rule.Validate();
        }

        _rules = rules.ToFrozenDictionary();
    }

    /// <summary>Reads a table: a JSON object with a member for each tenant, whose value is an array of rules, and <c>$revoked</c>, an array of serial numbers.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: there is no such file, or it is no table.</exception>
    public static AccessTable Read(string path) => Read(path, out _);

    internal static AccessTable Read(string path, out byte[] bytes)
    {
        try
        {
            bytes = File.ReadAllBytes(path);
            return Parse(bytes);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or RecoveryException)
        {
            throw Unreadable(path, failure);
        }
    }

    internal static RecoveryException Unreadable(string path, Exception failure) => Bad($"The access rules in {path} cannot be read: {failure.Message}", failure);

    /// <summary>The same, of the table's bytes.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it is no table.</exception>
    public static AccessTable Parse(ReadOnlySpan<byte> table)
    {
        try
        {
            var members = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(table, HttpJson.Options) ?? throw new JsonException("It is null.");
            var revoked = members.Remove(RevokedMember, out var list) ? Items<string>(list) : [];
            return new AccessTable(members.ToDictionary(tenant => TenantId.Parse(tenant.Key), tenant => Items<AccessRule>(tenant.Value)), revoked);
        }
        catch (Exception malformed) when (malformed is JsonException or RecoveryException)
        {
            throw Bad($"The access rules are none: {malformed.Message}", malformed);
        }
    }

    private static IReadOnlyList<T> Items<T>(JsonElement array)
        where T : class =>
        array.Deserialize<IReadOnlyList<T>>(HttpJson.Options) is { } items && items.All(item => item is not null)
            ? items
            : throw new JsonException("A tenant has no list of rules, or a rule or a serial number is null.");

    private static RecoveryException Bad(string cause, Exception inner) => RecoveryException.Of(
        RecoveryErrorCode.BadConfiguration,
        cause,
        "The server was not started.",
        """Write them as {"acme":[{"who":"monitor","may":["signal"],"agents":["hotel"]}]}; docs/security.md says what stands there.""",
        inner);

    /// <inheritdoc/>
    public ValueTask<bool> MayAsync(ClaimsPrincipal peer, AccessRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(request);
        return ValueTask.FromResult(_rules.TryGetValue(request.Tenant, out var rules) && May(rules, peer.Identity?.Name, request));
    }

    /// <summary>Is this certificate shut out, whatever rules say of the name in it?</summary>
    public bool IsRevoked(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return _revoked.Count > 0 && _revoked.Contains(SerialOf(certificate.SerialNumber));
    }

    // As tools write it: with colons or without, in either case, with a leading zero or without.
    private static string SerialOf(string text)
    {
        var digits = text.Replace(":", string.Empty, StringComparison.Ordinal).TrimStart('0').ToUpperInvariant();
        return digits.Length is > 0 and <= SerialDigitsMax && digits.All(char.IsAsciiHexDigit)
            ? digits
            : throw RecoveryException.Of(
                RecoveryErrorCode.InvalidNumber, $"'{text}' is no serial number of a certificate.", "Nothing was changed.", "Write it as 'openssl x509 -noout -serial' shows it.");
    }

    private static bool May(IReadOnlyList<AccessRule> rules, string? peer, AccessRequest request)
    {
        if (request.IsSigned)
        {
            return (peer is null || peer == request.Sender || Allows(rules, peer, AccessKind.Relay, null))
                && Allows(rules, request.Sender, request.Kind, AgentOf(request));
        }

        var isInOwnName = request.Sender is null || request.Sender == peer || request.Kind == AccessKind.Speak; // for which agents it speaks, its rule says
        return isInOwnName && Allows(rules, peer, request.Kind, AgentOf(request));
    }

    private static AgentId? AgentOf(AccessRequest request) => request.Kind == AccessKind.Speak ? AgentId.Parse(request.Sender) : request.Agent;

    private static bool Allows(IReadOnlyList<AccessRule> rules, string? who, AccessKind kind, AgentId? agent) =>
        who is not null && rules.Any(rule => rule.Who.Text == who && rule.May.Contains(kind) && (agent is not { } about || rule.Covers(about)));
}
