using System.Collections.Concurrent;
using System.Text;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Guarded;

namespace OrleansRecovery.Runtime.Tests.Capabilities;

/// <summary>A local host whose planner and hotel are of classes of their own names, with a tool elsewhere, and short words for what operators do.</summary>
public sealed class CapabilityStage : IAsyncDisposable
{
    public const string Builder = "https://builds.example/release";

    public static readonly IssuerId Operator = IssuerId.Parse("operator");
    public static readonly TrustedBuilder Trusted = new(IssuerId.Parse("build"), Builder);

    private static readonly LedgerKey Key = LedgerKey.Ephemeral();

    private readonly SigningKey _signer = SigningKey.Ephemeral();
    private readonly ConcurrentDictionary<CapabilityId, CapabilityEvidence> _evidence = [];

    private CapabilityStage(LocalRecoveryHost host, IJournalDatabase journal) => (Host, Journal) = (host, journal);

    public static ExecutionAddress Execution => TaskStage.Execution;

    public static string Code { get; } = CodeDigest.Of(typeof(TaskAgent).Assembly)!;

    public LocalRecoveryHost Host { get; }

    public IJournalDatabase Journal { get; }

    public IssuerKey SignersKey => new(Trusted.Signer, _signer.Public, IssuerKeyStatus.Active);

    public static async Task<CapabilityStage> OpenAsync(TaskWorld world, IJournalDatabase? journal = null, CapabilityRule rule = CapabilityRule.WhereGuarded, Func<string?>? tool = null)
    {
        journal ??= new InMemoryJournal();
        var catalog = new AgentCatalog().Add(() => new TaskAgent(world), "planner").Add(() => new TaskAgent(world), "hotel").Add(() => new ToolAgent(world, tool ?? (() => null)), "other");
        var host = await LocalRecoveryHost.OpenAsync(journal, catalog, new LocalHostOptions { LedgerKey = Key });
        await host.StartAsync(new ExecutionStart(
            Execution,
            [.. new[] { "planner", "hotel", "other" }.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass(name)))],
            new RecoveryPolicy { Capabilities = rule }));
        return new CapabilityStage(host, journal);
    }

    public Task ChangeAsync(CapabilityChange change) => Host.ChangeCapabilityAsync(Execution.Tenant, change);

    public async Task<CapabilityId> ActivateAsync(string name, string? digest = null)
    {
        var capability = CapabilityId.Of(CapabilityName.Parse(name), digest ?? Code);
        await Host.ChangeKeyAsync(Execution.Tenant, IssuerKeyChange.Add(Trusted.Signer, _signer.Public, 1, Operator, "enrolled"));
        await ChangeAsync(CapabilityChange.Trust(Trusted, 1, Operator, "our release builds"));
        await ChangeAsync(CapabilityChange.Register(capability, Evidence(capability), 1, Operator, "built"));
        await ChangeAsync(CapabilityChange.Verify(capability, 1, Operator, "looked at"));
        await ChangeAsync(CapabilityChange.Activate(capability, 1, Operator, "approved"));
        return capability;
    }

    public Task RevokeAsync(CapabilityId capability) => ChangeAsync(CapabilityChange.Revoke(capability, 2, Operator, "a hole"));

    private CapabilityEvidence Evidence(CapabilityId capability) => _evidence.GetOrAdd(capability, MakeEvidence);

    private CapabilityEvidence MakeEvidence(CapabilityId capability)
    {
        var bom = Encoding.UTF8.GetBytes(
            $$$"""{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"library","name":"agents","hashes":[{"alg":"SHA-256","content":"{{{capability.Digest}}}"}]}},"components":[]}""");
        return new CapabilityEvidence(_signer.Attest(ProvenanceStatement.Write("agents", capability.Digest, Builder, ContentChecks.ChecksumOf(bom))), bom);
    }

    public Task<string> PlanAsync() => Host.AskAsync<Plan, string>(Execution, TaskStage.Planner, new Plan("x")).WaitAsync(TimeSpan.FromMinutes(2));

    public Task<IReadOnlyList<CapabilityUse>> UsesAsync(CapabilityId capability) => CapabilityUseQueries.FindAsync(Journal, [Execution], capability);

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _signer.Dispose();
    }
}

/// <summary>An agent with a tool whose code is not in its own file.</summary>
public sealed class ToolAgent(TaskWorld world, Func<string?> digest) : Agent<TaskState>
{
    protected override void Define(AgentDefinition<TaskState> agent)
    {
        var book = agent.Idempotent<string, string>("book", (text, _) =>
        {
            world.Log.Enqueue($"tool {text}");
            return Task.FromResult(text);
        }).AsCapability("tool", digest);
        agent.On<Booking>(async (booking, context) => context.Reply(new Booked(await context.ActAsync(book, booking.City))));
    }
}
