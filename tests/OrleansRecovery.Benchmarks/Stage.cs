using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks;

/// <summary>A host on a journal of its own, which goes with it; its executions have agents n0, n1 and so on.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private const int Many = 1_000_000;
    private readonly Databases _database;
    private int _executions;

    private Stage(Databases database, LocalRecoveryHost host) => (_database, Host) = (database, host);

    public LocalRecoveryHost Host { get; private set; }

    /// <summary>Forced writes so far.</summary>
    public long Commits => _database.Commits;

    /// <summary>The journal below.</summary>
    public IJournalDatabase Journal => _database.Journal;

    public static async Task<Stage> OpenAsync(string storage, JournalOptions? options = null)
    {
        var database = await Databases.OpenAsync(storage, options);
        return new Stage(database, await HostAsync(database.Journal));
    }

    /// <summary>Starts an execution.</summary>
    public async Task<(ExecutionAddress Execution, IReadOnlyList<string> Names)> StartAsync(int agents)
    {
        var execution = new ExecutionAddress(TenantId.Parse("bench"), ExecutionId.Parse($"run{++_executions}"));
        var names = Enumerable.Range(0, agents).Select(number => $"n{number}").ToList();
        var policy = new RecoveryPolicy { AgentCountMax = 100_000, AfterRollback = AfterRollbackRule.Stop, VoteTimeoutMilliseconds = 60_000 };
        await Host.StartAsync(new ExecutionStart(execution, [.. names.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("work")))], policy));
        return (execution, names);
    }

    public Task SendAsync(ExecutionAddress execution, string to, Work work) => Host.SendAsync(execution, AgentId.Parse(to), work);

    /// <summary>Ends the host, and opens another on the same journal.</summary>
    public async Task ReopenAsync()
    {
        await Host.DisposeAsync();
        Host = await HostAsync(Journal);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await _database.DisposeAsync();
    }

    private static readonly Runtime.Security.LedgerKey Key = Runtime.Security.LedgerKey.Ephemeral();

    private static Task<LocalRecoveryHost> HostAsync(IJournalDatabase journal) => LocalRecoveryHost.OpenAsync(
        journal,
        new AgentCatalog().Add<WorkAgent>("work"),
        new LocalHostOptions
        {
            LedgerKey = Key,
            IdleAgentCountMax = 100_000,
            Signals = new SignalPolicy { QuotaPerMinute = Many, QuotaBurst = Many, TenantQuotaPerMinute = Many, TenantQuotaBurst = Many },
        });
}
