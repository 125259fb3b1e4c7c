using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;
using OrleansRecovery.Storage;
using static OrleansRecovery.Runtime.Tests.Storage.JournalContract;

namespace OrleansRecovery.Runtime.Tests.Storage;

public sealed class PostgresTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static JournalOptions Schema(string name) => new() { PostgresSchema = name };

    [PostgresFact]
    public async Task The_journal_on_PostgreSQL_keeps_the_contract_and_what_it_acknowledged()
    {
        await using (var journal = await Journals.OpenPostgresAsync(server.ConnectionString, Schema("contract")))
        {
            await JournalContract.RunAsync(journal);
        }

        await using var again = await Journals.OpenPostgresAsync(server.ConnectionString, Schema("contract"));
        Assert.Equal(["1", "2"], await TextsAsync(again, Agent("one")));
    }

    [PostgresFact]
    public async Task Two_processes_that_write_the_same_streams_never_wait_for_each_other_in_a_ring()
    {
        await using var first = await Journals.OpenPostgresAsync(server.ConnectionString, Schema("ring"));
        await using var second = await Journals.OpenPostgresAsync(server.ConnectionString, Schema("ring"));
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? first : second).AppendAsync(new JournalBatch(
            [Append(Agent(i % 3 == 0 ? "x" : "y"), StreamAppend.AnyVersion, $"{i}"), Append(Agent(i % 3 == 0 ? "y" : "x"), StreamAppend.AnyVersion, $"{i}")]))));
        Assert.Equal(200, await first.VersionAsync(Agent("x")));
        Assert.Equal(200, await second.VersionAsync(Agent("y")));
    }

    [PostgresFact]
    public async Task A_recovery_runs_on_PostgreSQL_as_on_SQLite()
    {
        await using var journal = await Journals.OpenPostgresAsync(server.ConnectionString, Schema("recovery"));
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "tell-then-ask", "x", "b");
        await probe.SettledAsync();
        await probe.FailAsync("b", 1);
        var recovery = (await probe.SettledAsync()).Recoveries.Single();
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal(["answer 3 to x"], await probe.StateOfAsync("a"));
    }

    [PostgresFact]
    public async Task A_server_that_stops_and_starts_again_is_told_and_then_used_again()
    {
        await using var journal = await Journals.OpenPostgresAsync(server.ConnectionString, Schema("stops"));
        await journal.AppendAsync(JournalBatch.Of(Append(Agent("a"), 0, "1")));
        await server.StopAsync();
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => journal.AppendAsync(JournalBatch.Of(Append(Agent("a"), 1, "2"))));
        Assert.Equal(RecoveryErrorCode.StorageUnavailable, refused.Error.Code);
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
        await server.StartAsync();
        await journal.AppendAsync(JournalBatch.Of(Append(Agent("a"), await journal.VersionAsync(Agent("a")), "3")));
        Assert.Equal("3", (await TextsAsync(journal, Agent("a")))[^1]);
    }

    [PostgresFact]
    public async Task A_wrong_password_and_a_missing_database_are_refused_without_telling_the_secret()
    {
        foreach (var wrong in new[] { server.ConnectionString.Replace("secret-of", "secret-or", StringComparison.Ordinal), server.ConnectionString.Replace("Database=postgres", "Database=nowhere", StringComparison.Ordinal) })
        {
            var refused = await Assert.ThrowsAsync<RecoveryException>(() => Journals.OpenAsync(wrong));
            Assert.Equal(RecoveryErrorCode.PermissionDenied, refused.Error.Code);
            Assert.DoesNotContain("secret-o", refused.Message, StringComparison.Ordinal);
        }
    }
}
