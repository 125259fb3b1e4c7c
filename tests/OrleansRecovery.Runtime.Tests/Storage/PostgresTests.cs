using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;
using OrleansRecovery.Storage;
using OrleansRecovery.TestSupport;
using static OrleansRecovery.Runtime.Tests.Storage.JournalSamples;

namespace OrleansRecovery.Runtime.Tests.Storage;

[Collection(PostgresServer.Collection)]
public sealed class PostgresTests(PostgresServer server)
{
    private const long Any = StreamAppend.AnyVersion;
    private readonly string _schema = PostgresServer.NewSchema();

    private JournalOptions Options => new() { PostgresSchema = _schema };

    [PostgresFact]
    public async Task Two_processes_that_write_the_same_streams_never_wait_for_each_other_in_a_ring()
    {
        await using var first = await OpenAsync();
        await using var second = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => (i % 2 == 0 ? first : second).AppendAsync(new JournalBatch(
            [Append(Agent(i % 3 == 0 ? "x" : "y"), Any, $"{i}"), Append(Agent(i % 3 == 0 ? "y" : "x"), Any, $"{i}"), Append(Agent($"new{i / 2}"), Any, $"{i}")]))));
        Assert.Equal(400, await first.VersionAsync(Agent("x")));
        Assert.Equal(400, await second.VersionAsync(Agent("y")));
        Assert.All(await ListAsync(first, StreamKind.Agent), head => Assert.Equal(head.Stream.Name is "x" or "y" ? 400 : 2, head.Version));
        Assert.Equal(400, (await TextsAsync(first, Agent("x"))).Distinct().Count());
    }

    [PostgresFact]
    public async Task Two_processes_are_fenced_by_the_version()
    {
        await using var first = await OpenAsync();
        await using var second = await OpenAsync();
        await first.AppendAsync(One("a", 0, "1"));
        await Assert.ThrowsAsync<StaleAppendException>(() => second.AppendAsync(One("a", 0, "2")));
        await second.AppendAsync(One("a", 1, "2"));
        await Assert.ThrowsAsync<StaleAppendException>(() => first.AppendAsync(One("a", 1, "3")));
        Assert.Equal(["1", "2"], await TextsAsync(first, Agent("a")));
    }

    [PostgresFact]
    public async Task A_recovery_runs_on_PostgreSQL_as_on_SQLite()
    {
        await using var journal = await OpenAsync();
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "tell-then-ask", "x", "b");
        await probe.SettledAsync();
        await probe.FailAsync("b", 1);
        var recovery = (await probe.SettledAsync()).Recoveries.Single();
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal(["answer 3 to x"], await probe.StateOfAsync("a"));
    }

    [PostgresFact]
    public async Task A_server_that_crashes_keeps_what_was_acknowledged_and_is_used_again()
    {
        await using var journal = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => journal.AppendAsync(One("a", Any, $"{i}"))));
        await server.StopAsync();

        // All that wait are told at once, and not one after the other.
        var refusals = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => FailureAsync(journal.AppendAsync(One("a", Any, $"lost {i}")))))
            .WaitAsync(TimeSpan.FromMinutes(3));
        Assert.All(refusals, refusal => Refused(RecoveryErrorCode.StorageUnavailable, refusal));
        Refused(RecoveryErrorCode.StorageUnavailable, await FailureAsync(journal.VersionAsync(Agent("a"))));
        Refused(RecoveryErrorCode.StorageUnavailable, await FailureAsync(OpenAsync()));
        await server.StartAsync();
        await journal.AppendAsync(One("a", 50, "after"));
        Assert.Equal(51, (await TextsAsync(journal, Agent("a"))).Count);
    }

    [PostgresFact]
    public async Task A_connection_that_was_lost_unnoticed_costs_no_append()
    {
        await using var journal = await OpenAsync();
        await journal.AppendAsync(One("a", 0, "1"));
        await server.RunSqlAsync(_schema, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
        await journal.AppendAsync(One("a", 1, "2"));
        Assert.Equal(2, await journal.VersionAsync(Agent("a")));
    }

    [PostgresFact]
    public async Task A_commit_whose_outcome_is_not_known_is_never_tried_again()
    {
        await using var journal = await OpenAsync();
        await journal.AppendAsync(One("blocked", 0, "1"));

        // A commit that holds this record loses its connection; the sequence counts the tries, since no rollback takes a number back.
        await server.RunSqlAsync(_schema, """
            CREATE SEQUENCE tries;
            CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''tries''); PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
            CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON records DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.body = 'die') EXECUTE FUNCTION die();
            """);
        var (release, first) = await BlockAsync(journal, "blocked");
        var batch = Enumerable.Range(0, 5).Select(i => FailureAsync(journal.AppendAsync(One($"n{i}", Any, i == 2 ? "die" : "x")))).ToList();
        await release();
        await first;
        foreach (var failure in await Task.WhenAll(batch))
        {
            Assert.Contains("may or may not be durable", Refused(RecoveryErrorCode.StorageUnavailable, failure).Impact, StringComparison.Ordinal);
        }

        Assert.Equal(1L, await server.RunSqlAsync(_schema, "SELECT last_value FROM tries"));
        await journal.AppendAsync(One("n0", await journal.VersionAsync(Agent("n0")), "after"));
        Assert.Equal("after", (await TextsAsync(journal, Agent("n0")))[^1]);
    }

    [PostgresFact]
    public async Task A_poisoned_append_does_not_fail_its_neighbours()
    {
        await using var journal = await OpenAsync();
        await journal.AppendAsync(One("blocked", 0, "1"));
        await server.RunSqlAsync(_schema, "ALTER TABLE records ADD CONSTRAINT no_poison CHECK (body <> 'poison')");
        var (release, first) = await BlockAsync(journal, "blocked");
        var batch = Enumerable.Range(0, 9).Select(i => FailureAsync(journal.AppendAsync(One($"n{i}", 0, i == 4 ? "poison" : "x")))).ToList();
        await release();
        await first;
        var failures = await Task.WhenAll(batch);
        Refused(RecoveryErrorCode.PermissionDenied, failures[4]);
        Assert.Equal(8, failures.Count(failure => failure is null));
        Assert.Equal(9, (await ListAsync(journal, StreamKind.Agent)).Count);
    }

    [PostgresFact]
    public async Task A_record_that_the_disk_changed_is_refused()
    {
        await using var journal = await OpenAsync();
        await journal.AppendAsync(One("a", 0, "{\"n\":0}", "{\"n\":1}"));
        await server.RunSqlAsync(_schema, "UPDATE records SET body = '{\"n\":7}'::bytea WHERE position = 1");

        Refused(RecoveryErrorCode.CorruptDatabase, await FailureAsync(TextsAsync(journal, Agent("a"))));
    }

    [PostgresFact]
    public async Task Appends_that_wait_share_one_forced_write()
    {
        await using var journal = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => journal.AppendAsync(One($"a{i}", 0, "x"))));
        var statistics = Journals.StatisticsOf(journal);
        Assert.Equal(500, statistics.AppendCount);
        Assert.True(statistics.CommitCount < 100, $"{statistics.CommitCount} commits");
    }

    [PostgresFact]
    public async Task A_reader_changes_nothing_and_makes_no_schema()
    {
        Refused(RecoveryErrorCode.CorruptDatabase, await FailureAsync(Journals.OpenReadOnlyAsync(server.ConnectionString, Options)));
        Assert.Equal(0L, await server.RunSqlAsync("public", $"SELECT count(*) FROM pg_namespace WHERE nspname = '{_schema}'"));
        await using var writer = await OpenAsync();
        await using var reader = await Journals.OpenReadOnlyAsync(server.ConnectionString, Options);
        await writer.AppendAsync(One("a", 0, "1"));
        Assert.Equal(["1"], await TextsAsync(reader, Agent("a")));
        Refused(RecoveryErrorCode.PermissionDenied, await FailureAsync(reader.AppendAsync(One("a", 1, "2"))));
        Refused(RecoveryErrorCode.PermissionDenied, await FailureAsync(reader.TrimAsync(Agent("a"), new TrimRequest([0], 0))));
        Assert.Equal(["1"], await TextsAsync(writer, Agent("a")));
    }

    [PostgresFact]
    public async Task A_user_without_the_right_to_make_tables_may_use_those_that_are_there()
    {
        await using (await OpenAsync())
        {
        }

        await server.RunSqlAsync(_schema, $"""
            CREATE ROLE "{_schema}" LOGIN PASSWORD 'secret-of-the-user';
            GRANT USAGE ON SCHEMA {_schema} TO "{_schema}";
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {_schema} TO "{_schema}";
            """);
        var user = server.ConnectionString.Replace("Username=postgres", $"Username={_schema}", StringComparison.Ordinal).Replace("of-the-test", "of-the-user", StringComparison.Ordinal);
        await using (var journal = await Journals.OpenPostgresAsync(user, Options))
        {
            await journal.AppendAsync(One("a", 0, "1"));
        }

        Refused(RecoveryErrorCode.PermissionDenied, await FailureAsync(Journals.OpenPostgresAsync(user, new JournalOptions { PostgresSchema = "not_there" })));
    }

    [PostgresFact]
    public async Task A_wrong_password_and_a_missing_database_are_refused_without_telling_the_secret()
    {
        var wrong = server.ConnectionString.Replace("secret-of", "secret-or", StringComparison.Ordinal);
        Refused(RecoveryErrorCode.PermissionDenied, await FailureAsync(Journals.OpenAsync(wrong)));
        Refused(RecoveryErrorCode.PermissionDenied, await FailureAsync(Journals.OpenAsync(
            server.ConnectionString.Replace("Database=postgres", "Database=nowhere", StringComparison.Ordinal))));
        Refused(RecoveryErrorCode.StorageUnavailable, await FailureAsync(Journals.OpenAsync("Host=no-such-host.invalid;Password=secret-of-the-test;Username=u")));
    }

    [PostgresFact]
    public async Task An_address_opens_the_same_database()
    {
        await using var journal = await Journals.OpenAsync(
            $"postgres://postgres:secret%2Dof-the-test@127.0.0.1:{server.Port}/postgres?sslmode=disable&application_name=journal", Options);
        await journal.AppendAsync(One("a", 0, "1"));
        await using var other = await OpenAsync();
        Assert.Equal(1, await other.VersionAsync(Agent("a")));
    }

    private Task<IJournalDatabase> OpenAsync() => Journals.OpenPostgresAsync(server.ConnectionString, Options);

    private static RecoveryError Refused(RecoveryErrorCode code, Exception? failure)
    {
        var refused = Assert.IsType<RecoveryException>(failure);
        Assert.Equal(code, refused.Error.Code);
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(refused.Error.NextStep);
        return refused.Error;
    }

    // Holds a stream's row from beside, and waits until the journal's writer waits for it: what is appended now comes into one transaction.
    private async Task<(Func<Task> ReleaseAsync, Task First)> BlockAsync(IJournalDatabase journal, string name)
    {
        var holder = new Npgsql.NpgsqlConnection($"{server.ConnectionString};Search Path={_schema};Pooling=false");
        await holder.OpenAsync();
        var transaction = await holder.BeginTransactionAsync();
        await using (var held = new Npgsql.NpgsqlCommand("SELECT 1 FROM streams WHERE name = $1 FOR UPDATE", holder, transaction))
        {
            held.Parameters.AddWithValue(name);
            await held.ExecuteNonQueryAsync();
        }

        var first = journal.AppendAsync(One(name, Any, "waits"));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (await server.RunSqlAsync(_schema, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") is 0L)
        {
            await tick.WaitForNextTickAsync();
        }

        return (
            async () =>
            {
                await transaction.RollbackAsync();
                await holder.DisposeAsync();
            },
            first);
    }
}

[CollectionDefinition(PostgresServer.Collection)]
public sealed class PostgresTestGroup : ICollectionFixture<PostgresServer>;
