using System.Text.Json;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Conformance;

/// <summary>One execution of probes on a host, and short words for what scenarios do with it.</summary>
public sealed class Stage
{
    private static readonly string[] Names = ["a", "b", "bystander"];

    private readonly IConformanceHost _host;

    private Stage(IConformanceHost host, ProbeWorld world, ExecutionAddress execution)
    {
        _host = host;
        World = world;
        Execution = execution;
    }

    /// <summary>The execution: a tenant of its own for each.</summary>
    public ExecutionAddress Execution { get; }

    /// <summary>Its outside.</summary>
    public ProbeWorld World { get; }

    /// <summary>The host's client.</summary>
    public IRecoveryClient Client => _host.Client;

    /// <summary>The host's operators.</summary>
    public ITenantClient Tenants => _host.Tenants;

    /// <summary>Which intervals of the execution used a capability.</summary>
    public Task<IReadOnlyList<CapabilityUse>> UsesAsync(CapabilityId capability) => CapabilityUseQueries.FindAsync(_host.Journal, [Execution], capability);

    /// <summary>Starts an execution with agents a, b and bystander.</summary>
    public static async Task<Stage> StartAsync(IConformanceHost host, ProbeWorld world, RecoveryPolicy? policy = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(world);
        var execution = new ExecutionAddress(TenantId.Parse($"t-{Guid.NewGuid():N}"), ExecutionId.Parse("e"));
        world.Serve(execution);
        await host.Client.StartAsync(new ExecutionStart(
            execution,
            [.. Names.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("probe"), new AgentClass("fallback")))],
            policy ?? RecoveryPolicy.Default));
        return new Stage(host, world, execution);
    }

    /// <summary>Sends an order from outside.</summary>
    public Task SendAsync(string to, string verb, string text, string? next = null) =>
        Client.SendAsync(Execution, AgentId.Parse(to), new Order(verb, text, next));

    /// <summary>Asks from outside.</summary>
    public Task<Answer> AskAsync(string to, Question question) => Client.AskAsync<Question, Answer>(Execution, AgentId.Parse(to), question);

    /// <summary>Waits until nothing is under way, but not longer than half a minute.</summary>
    public async Task<ExecutionStatus> SettledAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await Client.SettledAsync(Execution, patience.Token);
        }
        catch (OperationCanceledException)
        {
            var status = await Client.StatusAsync(Execution, CancellationToken.None);
            throw new ConformanceException(
                $"It does not settle: {status.Phase}, {status.PendingMessages} messages wait, recoveries {string.Join(", ", status.Recoveries.Select(recovery => recovery.Phase))}.");
        }

        return await Client.StatusAsync(Execution, CancellationToken.None);
    }

    /// <summary>Signals that an interval cannot be trusted.</summary>
    public Task<SignalReceipt> FailAsync(string agent, long interval, string? id = null, TimeSpan? age = null)
    {
        var now = TimeProvider.System.GetUtcNow().Subtract(age ?? TimeSpan.Zero).ToUnixTimeMilliseconds();
        return Client.SignalAsync(new FailureSignal(
            SignalId.Parse(id ?? $"s-{Guid.NewGuid():N}"), IssuerId.Parse("monitor"), Execution.Tenant, Execution.Execution,
            IntervalOf(agent, interval), Incarnation.First, FailureReason.InvalidOutput, now, now + 60_000));
    }

    /// <summary>Marks an interval as validated.</summary>
    public Task SealAsync(string agent, long interval) => Client.SealAsync(Execution, IntervalOf(agent, interval), IssuerId.Parse("validator"));

    /// <summary>An operator decides.</summary>
    public Task DecideAsync(RecoveryId recovery, OperatorDecision decision) =>
        Client.DecideAsync(Execution, recovery, decision, IssuerId.Parse("operator"), "a scenario says so");

    /// <summary>What an agent remembers.</summary>
    public async Task<IReadOnlyList<string>> StateOfAsync(string agent)
    {
        var history = await ExecutionQueries.ReadHistoryAsync(_host.Journal, Execution, AgentId.Parse(agent));
        if (history.NewestSnapshot is not { } position)
        {
            return [];
        }

        var snapshot = await _host.Journal.ReadSnapshotAsync(StreamId.OfAgent(Execution, AgentId.Parse(agent)), position.Number);
        return JsonSerializer.Deserialize<ProbeState>(snapshot!.Body.Span, AgentJson.Options)!.Done;
    }

    /// <summary>An agent's journal, record by record.</summary>
    public async Task<IReadOnlyList<AgentEvent>> JournalOfAsync(string agent)
    {
        var records = new List<AgentEvent>();
        await foreach (var record in _host.Journal.ReadAsync(StreamId.OfAgent(Execution, AgentId.Parse(agent))))
        {
            records.Add(AgentEventJson.Read(record.Body.Span));
        }

        return records;
    }

    /// <summary>What the tenant's ledger is about, record by record.</summary>
    public async Task<IReadOnlyList<RecoveryRecordKind>> LedgerAsync()
    {
        var kinds = new List<RecoveryRecordKind>();
        await foreach (var line in _host.Journal.ReadAsync(StreamId.OfLedger(Execution.Tenant)))
        {
            kinds.Add(LedgerChain.Read(line.Body.Span).Kind);
        }

        return kinds;
    }

    /// <summary>An interval of an agent.</summary>
    public static Interval IntervalOf(string agent, long number) => new(AgentId.Parse(agent), CheckpointNumber.Of(number));
}
