using System.Diagnostics;
using System.Globalization;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;
using OrleansRecovery.TestProcess;
using OrleansRecovery.TestSupport;
using Xunit.Abstractions;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>kill -9 of a process that appends: what it said was acknowledged is there, in order, and in both streams of each append.</summary>
[Collection(PostgresServer.Collection)]
public sealed class JournalKillTests(PostgresServer server, ITestOutputHelper output) : IDisposable
{
    private const int KillCount = 4;
    private const int LaneCount = 16;
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-journal-kill-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public Task What_a_killed_process_had_acknowledged_is_in_the_SQLite_file() => KillAsync(Path.Combine(_folder, "j.db"), "unused");

    [PostgresFact]
    public Task What_a_killed_process_had_acknowledged_is_on_the_PostgreSQL_server() => KillAsync(server.ConnectionString, PostgresServer.NewSchema());

    private async Task KillAsync(string database, string schema)
    {
        var chance = new Random(KillCount);
        for (var kill = 0; kill < KillCount; kill++)
        {
            var acknowledged = await WriteAndKillAsync(database, schema, chance.Next(100, 1_500));

            // First as a viewer that may change nothing: it must find the log that the killed process left.
            await using (var viewer = await Journals.OpenReadOnlyAsync(database, new JournalOptions { PostgresSchema = schema }))
            {
                await CheckAsync(viewer, acknowledged);
            }

            await using var journal = await Journals.OpenAsync(database, new JournalOptions { PostgresSchema = schema });
            var durable = await CheckAsync(journal, acknowledged);
            output.WriteLine($"kill {kill}: {acknowledged.Sum(lane => lane.Value + 1)} acknowledged, {durable} durable");
        }
    }

    private static async Task<Dictionary<int, long>> WriteAndKillAsync(string database, string schema, int lineCount)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(JournalWriter).Assembly.Location, "journal-writer", LaneCount.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using var child = Process.Start(start)!;
        await child.StandardInput.WriteLineAsync(database);
        await child.StandardInput.WriteLineAsync(schema);
        await child.StandardInput.FlushAsync();
        var acknowledged = new Dictionary<int, long>();
        for (var count = 0; await child.StandardOutput.ReadLineAsync() is { } line; count++)
        {
            // The kill may cut the last line off: a number without its last digits is a position before it.
            if (line.Split(' ') is [var text, var position] && int.TryParse(text, CultureInfo.InvariantCulture, out var lane) && long.TryParse(position, CultureInfo.InvariantCulture, out var number))
            {
                acknowledged[lane] = Math.Max(number, acknowledged.GetValueOrDefault(lane));
            }

            if (count == lineCount)
            {
                child.Kill();
            }
        }

        await child.WaitForExitAsync();
        Assert.Equal(128 + 9, child.ExitCode);
        Assert.Equal(LaneCount, acknowledged.Count);
        return acknowledged;
    }

    private static async Task<long> CheckAsync(IJournalDatabase journal, Dictionary<int, long> acknowledged)
    {
        var durable = 0L;
        foreach (var (lane, position) in acknowledged)
        {
            var texts = await JournalSamples.TextsAsync(journal, JournalWriter.Stream(lane, copy: false));
            Assert.True(texts.Count > position, $"lane {lane}: {position} was acknowledged, and {texts.Count} are there");
            Assert.Equal(Enumerable.Range(0, texts.Count).Select(i => JournalWriter.Record(lane, i)), texts);
            Assert.Equal(texts, await JournalSamples.TextsAsync(journal, JournalWriter.Stream(lane, copy: true)));
            durable += texts.Count;
        }

        return durable;
    }
}
