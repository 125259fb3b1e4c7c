using System.Collections.Immutable;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>Who may signal about whom (recovery model, section 4).</summary>
/// <param name="Issuer">The issuer; null means every issuer.</param>
/// <param name="Agent">The agent; null means every agent.</param>
public sealed record SignalScope(IssuerId? Issuer, AgentId? Agent)
{
    private const string Any = "*";

    /// <summary>Every issuer about every agent.</summary>
    public static SignalScope Everyone { get; } = new(null, null);

    /// <summary>Reads a rule from settings: names, or <c>*</c> for every one.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>.</exception>
    public static SignalScope Parse(string issuer, string agent) =>
        new(issuer == Any ? null : IssuerId.Parse(issuer), agent == Any ? null : AgentId.Parse(agent));

    /// <summary>Does the rule let this issuer signal about this agent?</summary>
    public bool Allows(IssuerId issuer, AgentId agent) => (Issuer is null || Issuer == issuer) && (Agent is null || Agent == agent);

    /// <summary>For people: <c>monitor about planner</c>.</summary>
    public override string ToString() => $"{Issuer?.Text ?? Any} about {Agent?.Text ?? Any}";
}

/// <summary>Which failure signals must be signed where they enter a host from elsewhere (draft, R-SGN-1).</summary>
[JsonConverter(typeof(WireNameConverter<SignatureRule>))]
public enum SignatureRule
{
    /// <summary>Those of issuers that have, or ever had, a key.</summary>
    WhereKeyed,

    /// <summary>All.</summary>
    Always,
}

/// <summary>What decides whether a failure signal is admitted, beside its signature (recovery model, section 4): of a host, and where they differ of single tenants.</summary>
public sealed record SignalPolicy
{
    /// <summary>The defaults: everybody may signal about every agent.</summary>
    public static SignalPolicy Default { get; } = new();

    /// <summary>The issuer of the signals that a host itself makes, when a turn fails. Nobody else may use the name.</summary>
    public static IssuerId Host { get; } = IssuerId.Parse("@host");

    /// <summary>How far clocks may differ, in milliseconds. Range 0 to 60,000; default 60,000.</summary>
    public int ClockSkewMilliseconds { get; init; } = 60_000;

    /// <summary>The longest time from detection to expiry, in milliseconds. Range 1,000 to 3,600,000; default 1 hour.</summary>
    public int ValidityMilliseconds { get; init; } = 3_600_000;

    /// <summary>How many signals of one issuer are admitted in a minute, on average. Range 1 to 1,000,000; default 60.</summary>
    public int QuotaPerMinute { get; init; } = 60;

    /// <summary>How many of them may come at once. Range 1 to 1,000,000; default 60.</summary>
    public int QuotaBurst { get; init; } = 60;

    /// <summary>How many signals of all issuers of a tenant together are admitted in a minute, on average. Range 1 to 1,000,000; default 600.</summary>
    public int TenantQuotaPerMinute { get; init; } = 600;

    /// <summary>How many of them may come at once. Range 1 to 1,000,000; default 600.</summary>
    public int TenantQuotaBurst { get; init; } = 600;

    /// <summary>
    /// How many signals' worth of quota each false signal adds to what an issuer's next ones cost, as long as it counts. Range 0 to 1,000,000; default 10.
    /// </summary>
    public int FalseSignalCost { get; init; } = 10;

    /// <summary>How long a false signal counts against its issuer, in milliseconds. Range 1,000 to 2,592,000,000; default 1 hour.</summary>
    public long FalseSignalWindowMilliseconds { get; init; } = 3_600_000;

    /// <summary>So many false signals that count suspend their issuer. Range 1 to 1,000; default 3.</summary>
    public int FalseSignalCountMax { get; init; } = 3;

    /// <summary>How long an issuer is suspended before one signal is tried, in milliseconds. Range 1,000 to 2,592,000,000; default 10 minutes.</summary>
    public long SuspensionMilliseconds { get; init; } = 600_000;

    /// <summary>
    /// Issuers that false signals neither make dearer nor suspend, such as the only monitor of a safety property (draft, R-SEC-7). Default: none.
    /// </summary>
    public IReadOnlyList<IssuerId> Exempt { get; init; } = [];

    /// <summary>
    /// Which signals must be signed that come from outside the host's process. Default: those of issuers that have a key. Who calls the host in its own process is
    /// part of its platform.
    /// </summary>
    public SignatureRule Signatures { get; init; } = SignatureRule.WhereKeyed;

    /// <summary>
    /// Who may signal about whom, beside each agent about itself; one rule that allows it is enough. Default: everybody about every agent.
    /// </summary>
    public IReadOnlyList<SignalScope> Scopes { get; init; } = [SignalScope.Everyone];

    /// <summary>Tenants for which other values count than these, with all of theirs. Default: none.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<TenantId, SignalPolicy> Tenants { get; init; } = ImmutableDictionary<TenantId, SignalPolicy>.Empty;

    /// <summary>What counts for a tenant.</summary>
    public SignalPolicy Of(TenantId tenant) => Tenants.GetValueOrDefault(tenant, this);

    /// <summary>This policy, and that of each tenant, changed in the same way.</summary>
    public SignalPolicy WithEach(Func<SignalPolicy, SignalPolicy> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return change(this) with { Tenants = Tenants.ToImmutableDictionary(tenant => tenant.Key, tenant => change(tenant.Value)) };
    }

    /// <summary>May this issuer signal about this agent: is it the agent itself, by name, or does a rule allow it?</summary>
    public bool Allows(IssuerId issuer, AgentId agent) => issuer.Text == agent.Text || Scopes.Any(scope => scope.Allows(issuer, agent));

    /// <summary>Do false signals not count against this issuer?</summary>
    public bool IsExempt(IssuerId issuer) => Exempt.Contains(issuer);

    /// <summary>The quota of one issuer.</summary>
    [JsonIgnore]
    public QuotaRate IssuerQuota => new(QuotaPerMinute, QuotaBurst);

    /// <summary>The quota of a tenant.</summary>
    [JsonIgnore]
    public QuotaRate TenantQuota => new(TenantQuotaPerMinute, TenantQuotaBurst);

    /// <summary>When an issuer is suspended.</summary>
    [JsonIgnore]
    public BreakerRule Breaker => new(FalseSignalCountMax, FalseSignalWindowMilliseconds, SuspensionMilliseconds);

    /// <summary>The policy when every value is in its range; otherwise an error that names the value.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: a value is out of range.</exception>
    public SignalPolicy Validated()
    {
        Check(nameof(ClockSkewMilliseconds), ClockSkewMilliseconds, 0, 60_000);
        Check(nameof(ValidityMilliseconds), ValidityMilliseconds, 1_000, 3_600_000);
        Check(nameof(QuotaPerMinute), QuotaPerMinute, 1, 1_000_000);
        Check(nameof(QuotaBurst), QuotaBurst, 1, 1_000_000);
        Check(nameof(TenantQuotaPerMinute), TenantQuotaPerMinute, 1, 1_000_000);
        Check(nameof(TenantQuotaBurst), TenantQuotaBurst, 1, 1_000_000);
        Check(nameof(FalseSignalCost), FalseSignalCost, 0, 1_000_000);
        Check(nameof(FalseSignalWindowMilliseconds), FalseSignalWindowMilliseconds, 1_000, 2_592_000_000);
        Check(nameof(FalseSignalCountMax), FalseSignalCountMax, 1, 1_000);
        Check(nameof(SuspensionMilliseconds), SuspensionMilliseconds, 1_000, 2_592_000_000);
        foreach (var policy in Tenants.Values)
        {
            policy.Validated();
        }

        return this;
    }

    private static void Check(string name, long value, long min, long max) => Setting.Check("The signal policy's", "The host was not opened.", name, value, min, max);
}
