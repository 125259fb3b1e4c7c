using System.Collections.Frozen;
using System.Security.Claims;
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
    private readonly FrozenDictionary<TenantId, IReadOnlyList<AccessRule>> _rules;

    /// <summary>A table of rules.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>: an agent's.</exception>
    public AccessTable(IReadOnlyDictionary<TenantId, IReadOnlyList<AccessRule>> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        foreach (var rule in rules.Values.SelectMany(tenant => tenant))
        {
            rule.Validate();
        }

        _rules = rules.ToFrozenDictionary();
    }

    /// <summary>Reads a table: a JSON object with a member for each tenant, whose value is an array of rules.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: there is no such file, or it is no table.</exception>
    public static AccessTable Read(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or RecoveryException)
        {
            throw Bad($"The access rules in {path} cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>The same, of the table's bytes.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it is no table.</exception>
    public static AccessTable Parse(ReadOnlySpan<byte> table)
    {
        try
        {
            var tenants = JsonSerializer.Deserialize<Dictionary<string, IReadOnlyList<AccessRule>>>(table, HttpJson.Options) ?? throw new JsonException("It is null.");
            if (tenants.Values.Any(rules => rules is null || rules.Any(rule => rule is null)))
            {
                throw new JsonException("A tenant has no list of rules, or a rule is null.");
            }

            return new AccessTable(tenants.ToDictionary(tenant => TenantId.Parse(tenant.Key), tenant => tenant.Value));
        }
        catch (Exception malformed) when (malformed is JsonException or RecoveryException)
        {
            throw Bad($"The access rules are none: {malformed.Message}", malformed);
        }
    }

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
