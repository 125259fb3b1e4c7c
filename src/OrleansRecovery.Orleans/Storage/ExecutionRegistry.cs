using System.Text.Json;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Storage;

/// <summary>
/// The executions that may have something to do, for silos without reminders: grain storage has no list. An execution is noted before anything is set going in
/// it, and leaves when it has settled. Of its notes the last one counts.
/// </summary>
internal static class ExecutionRegistry
{
    private const string Settled = "settled";
    private static readonly StreamId Stream = new(StreamKind.Tenant, TenantId.Parse("cluster"), default, "executions");

    internal static Task EnterAsync(IJournal journal, ExecutionAddress execution, CancellationToken cancellationToken) =>
        NoteAsync(journal, [execution.Tenant.Text, execution.Execution.Text], cancellationToken);

    internal static Task LeaveAsync(IJournal journal, ExecutionAddress execution, CancellationToken cancellationToken) =>
        NoteAsync(journal, [execution.Tenant.Text, execution.Execution.Text, Settled], cancellationToken);

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

    private static Task NoteAsync(IJournal journal, string[] note, CancellationToken cancellationToken) =>
        journal.AppendAsync(new StreamAppend(Stream, StreamAppend.AnyVersion, [JsonSerializer.SerializeToUtf8Bytes(note)], []), cancellationToken);
}
