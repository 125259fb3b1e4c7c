using System.Globalization;
using System.Text;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;

namespace OrleansRecovery.TestProcess;

/// <summary>
/// Appends until it is killed: each lane to a stream and, in the same append, to a copy of it. A line "lane position" is printed for what is acknowledged.
/// The database and the PostgreSQL schema are read from the standard input, since they may hold a password.
/// </summary>
public static class JournalWriter
{
    /// <summary>The stream of a lane, or its copy.</summary>
    public static StreamId Stream(int lane, bool copy) => StreamId.OfAgent(
        new ExecutionAddress(TenantId.Parse("t"), ExecutionId.Parse("e")), AgentId.Parse(string.Create(CultureInfo.InvariantCulture, $"lane{lane}{(copy ? "-copy" : "")}")));

    /// <summary>What stands at a position of a lane.</summary>
    public static string Record(int lane, long position) => string.Create(CultureInfo.InvariantCulture, $"record {position} of {lane}");

    internal static async Task<int> RunAsync(int lanes)
    {
        var database = await Console.In.ReadLineAsync() ?? throw new InvalidOperationException("The first line of the input names the database.");
        var schema = await Console.In.ReadLineAsync() ?? throw new InvalidOperationException("The second line of the input names the schema.");
        await using var journal = await Journals.OpenAsync(database, new JournalOptions { PostgresSchema = schema });
        await Task.WhenAll(Enumerable.Range(0, lanes).Select(lane => Task.Run(() => WriteAsync(journal, lane))));
        return 0;
    }

    private static async Task WriteAsync(IJournalDatabase journal, int lane)
    {
        for (var position = await journal.VersionAsync(Stream(lane, copy: false)); ; position++)
        {
            ReadOnlyMemory<byte> record = Encoding.UTF8.GetBytes(Record(lane, position));
            await journal.AppendAsync(new JournalBatch(
                [new StreamAppend(Stream(lane, copy: false), position, [record], []), new StreamAppend(Stream(lane, copy: true), position, [record], [])]));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{lane} {position}"));
        }
    }
}
