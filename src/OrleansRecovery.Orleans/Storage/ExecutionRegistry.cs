using System.Runtime.CompilerServices;
using System.Text.Json;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Storage;

/// <summary>
/// What executions there are: grain storage has no list. Those that may have something to do, for silos without reminders: an execution is noted before anything
/// is set going in it, and leaves when it has settled; of its notes the last one counts. And of each tenant the names of all.
/// </summary>
internal static class ExecutionRegistry
{
    private const string Settled = "settled";
    private static readonly StreamId Stream = new(StreamKind.Tenant, TenantId.Parse("cluster"), default, "executions");

    internal static Task EnterAsync(IJournal journal, ExecutionAddress execution, CancellationToken cancellationToken) =>
        NoteAsync(journal, [execution.Tenant.Text, execution.Execution.Text], cancellationToken);

    internal static Task LeaveAsync(IJournal journal, ExecutionAddress execution, CancellationToken cancellationToken) =>
        NoteAsync(journal, [execution.Tenant.Text, execution.Execution.Text, Settled], cancellationToken);

    /// <summary>Notes a name of the tenant's, before the execution's log begins: a crash in between leaves a name without an execution, and never the other way.</summary>
    internal static Task NameAsync(IJournal journal, ExecutionAddress execution, CancellationToken cancellationToken) =>
        AppendAsync(journal, NamesOf(execution.Tenant), [execution.Execution.Text], cancellationToken);

    /// <summary>The names that a tenant's executions were given, from a position on, in the order of their notes; one may be there twice.</summary>
    internal static async IAsyncEnumerable<(long Position, string Name)> ReadNamesAsync(
        IJournal journal, TenantId tenant, long from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stored in journal.ReadAsync(NamesOf(tenant), from, cancellationToken))
        {
            yield return (stored.Position, JsonSerializer.Deserialize<string[]>(stored.Body.Span)![0]);
        }
    }

    /// <summary>Can the storage be read?</summary>
    internal static Task ProbeAsync(IJournal journal, CancellationToken cancellationToken) => journal.VersionAsync(Stream, cancellationToken);

    /// <summary>The executions that entered and have not left, oldest note first. Notes that count no more are deleted.</summary>
    internal static async Task<IReadOnlyList<ExecutionAddress>> TakeStockAsync(IJournal journal, CancellationToken cancellationToken)
    {
        var entered = new Dictionary<ExecutionAddress, long>();
        var obsolete = new List<long>();
        await foreach (var stored in journal.ReadAsync(Stream, 0, cancellationToken))
        {
            var note = JsonSerializer.Deserialize<string[]>(stored.Body.Span)!;
            var execution = new ExecutionAddress(TenantId.Parse(note[0]), ExecutionId.Parse(note[1]));
            if (entered.Remove(execution, out var earlier))
            {
                obsolete.Add(earlier);
            }

            if (note is [.., Settled])
            {
                obsolete.Add(stored.Position);
            }
            else
            {
                entered[execution] = stored.Position;
            }
        }

        await journal.TrimAsync(Stream, new TrimRequest(obsolete, 0), cancellationToken);
        return [.. entered.OrderBy(item => item.Value).Select(item => item.Key)];
    }

    private static StreamId NamesOf(TenantId tenant) => new(StreamKind.Tenant, tenant, default, "names");

    private static Task NoteAsync(IJournal journal, string[] note, CancellationToken cancellationToken) => AppendAsync(journal, Stream, note, cancellationToken);

    private static Task AppendAsync(IJournal journal, StreamId stream, string[] note, CancellationToken cancellationToken) =>
        journal.AppendAsync(new StreamAppend(stream, StreamAppend.AnyVersion, [JsonSerializer.SerializeToUtf8Bytes(note)], []), cancellationToken);
}
