using System.Text;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>Streams, appends and readings that tests of journals share.</summary>
internal static class JournalSamples
{
    internal static StreamId Agent(string name, string tenant = "t", string execution = "e") =>
        StreamId.OfAgent(new ExecutionAddress(TenantId.Parse(tenant), ExecutionId.Parse(execution)), AgentId.Parse(name));

    internal static StreamAppend Append(StreamId stream, long expected, params string[] texts) =>
        new(stream, expected, [.. texts.Select(text => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(text)))], []);

    internal static StreamAppend One(string name, long expected, params string[] texts) => Append(Agent(name), expected, texts);

    internal static Snapshot SnapshotAt(long position, string state) => new(position, new string('0', 64), Encoding.UTF8.GetBytes(state));

    internal static async Task<List<string>> TextsAsync(IJournal journal, StreamId stream, long from = 0)
    {
        var texts = new List<string>();
        await foreach (var record in journal.ReadAsync(stream, from))
        {
            texts.Add(Encoding.UTF8.GetString(record.Body.Span));
        }

        return texts;
    }

    internal static async Task<List<(StreamId Stream, long Version)>> ListAsync(
        IJournalDatabase journal, StreamKind kind, string? tenant = null, string? execution = null)
    {
        var heads = new List<(StreamId, long)>();
        await foreach (var head in journal.ListAsync(
            kind, tenant is null ? null : TenantId.Parse(tenant), execution is null ? null : ExecutionId.Parse(execution)))
        {
            heads.Add((head.Stream, head.Version));
        }

        return heads;
    }

    /// <summary>The exception that a task ends with, or null.</summary>
    internal static async Task<Exception?> FailureAsync(Task task)
    {
        try
        {
            await task;
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }
}
