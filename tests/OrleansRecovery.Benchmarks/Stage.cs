using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks;

/// <summary>A host with so many agents on a journal of its own, which goes with it.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly IJournalDatabase _journal;

    private Stage(DirectoryInfo folder, IJournalDatabase journal, LocalRecoveryHost host, IReadOnlyList<string> names)
    {
        (_folder, _journal, Host, Names) = (folder, journal, host, names);
    }

    public static ExecutionAddress Execution { get; } = new(TenantId.Parse("bench"), ExecutionId.Parse("run"));

    public LocalRecoveryHost Host { get; }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Forced writes so far; none in memory.</summary>
    public long Commits => _journal is InMemoryJournal ? 0 : Journals.StatisticsOf(_journal).CommitCount;

    /// <summary>Opens one.</summary>
    /// <param name="agents">How many agents.</param>
    /// <param name="options">The SQLite journal's options; null for a journal in memory.</param>
    public static async Task<Stage> OpenAsync(int agents, JournalOptions? options)
    {
        var folder = Directory.CreateTempSubdirectory("recovery-bench-");
        var journal = options is null ? new InMemoryJournal() : await Journals.OpenSqliteAsync(Path.Combine(folder.FullName, "b.db"), options);
        var host = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().Add<WorkAgent>("work"));
        var names = Enumerable.Range(0, agents).Select(number => $"n{number}").ToList();
        var policy = new RecoveryPolicy { AgentCountMax = 100_000, AfterRollback = AfterRollbackRule.Stop, VoteTimeoutMilliseconds = 60_000 };
        await host.StartAsync(new ExecutionStart(Execution, [.. names.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("work")))], policy));
        return new Stage(folder, journal, host, names);
    }

    public Task SendAsync(string to, Work work) => Host.SendAsync(Execution, AgentId.Parse(to), work);

    public Task SettledAsync() => Host.SettledAsync(Execution);

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await _journal.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}
