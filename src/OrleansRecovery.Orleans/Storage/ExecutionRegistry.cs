using System.Runtime.CompilerServices;
using System.Text.Json;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Storage;

/// <summary>The executions of a cluster, since grain storage has no list. One is noted before its log begins, and may be noted twice.</summary>
internal static class ExecutionRegistry
{
    private static readonly StreamId Stream = new(StreamKind.Tenant, TenantId.Parse("cluster"), default, "executions");

    internal static Task NoteAsync(IJournal journal, ExecutionAddress execution, CancellationToken cancellationToken) =>
        journal.AppendAsync(
            new StreamAppend(
                Stream, StreamAppend.AnyVersion, [JsonSerializer.SerializeToUtf8Bytes(new[] { execution.Tenant.Text, execution.Execution.Text })], []),
            cancellationToken);

    /// <summary>Can the storage be read?</summary>
    internal static Task ProbeAsync(IJournal journal, CancellationToken cancellationToken) => journal.VersionAsync(Stream, cancellationToken);

    internal static async IAsyncEnumerable<ExecutionAddress> ListAsync(IJournal journal, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var seen = new HashSet<ExecutionAddress>();
        await foreach (var stored in journal.ReadAsync(Stream, 0, cancellationToken))
        {
            var names = JsonSerializer.Deserialize<string[]>(stored.Body.Span)!;
            var execution = new ExecutionAddress(TenantId.Parse(names[0]), ExecutionId.Parse(names[1]));
            if (seen.Add(execution))
            {
                yield return execution;
            }
        }
    }
}
