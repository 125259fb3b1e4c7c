using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>
/// Brings an index up to date from journals that agents go on writing, here or on other machines. What a record rests on is durable before it, but perhaps
/// in a journal that was read too early: that one is then read on first. Only what is in the past of what was asked for is read, so it comes to an end.
/// </summary>
internal sealed class IndexReader(
    IJournal journal, ExecutionAddress execution, ExecutionIndex index, Lock sync, Action<AgentId, SequenceNumber, AgentEvent> take)
{
    /// <summary>Takes an agent's journal, up to a position at least.</summary>
    /// <exception cref="RecoveryException">A record is damaged or of a later build.</exception>
    internal async Task ReadAsync(AgentId agent, SequenceNumber upTo, CancellationToken cancellationToken)
    {
        var wanted = new Stack<Wanted>([new Wanted(agent, () => index.Taken(agent) >= upTo)]);
        while (wanted.TryPeek(out var next))
        {
            if (await TakeAsync(next, cancellationToken) is not { } before)
            {
                wanted.Pop();
                continue;
            }

            Invariant.Holds(wanted.All(waiting => waiting.Agent != before.Agent), $"The journals of {execution} rest on each other in a circle.");
            wanted.Push(before);
        }
    }

    /// <returns>What must be taken first; null when what was wanted is there.</returns>
    private async Task<Wanted?> TakeAsync(Wanted wanted, CancellationToken cancellationToken)
    {
        if (From(wanted) is not { } from)
        {
            return null;
        }

        var stream = StreamId.OfAgent(execution, wanted.Agent);
        var version = await journal.VersionAsync(stream, cancellationToken);
        await foreach (var stored in journal.ReadAsync(stream, from.Number, cancellationToken))
        {
            var record = AgentEventJson.Read(stored.Body.Span);
            lock (sync)
            {
                if (wanted.IsThere())
                {
                    return null;
                }

                if (index.MissingFor(record) is { } missing)
                {
                    return new Wanted(missing, () => index.MissingFor(record) is null);
                }
            }

            take(wanted.Agent, SequenceNumber.Of(stored.Position), LoadedExecution.WithoutPayload(record));
        }

        lock (sync)
        {
            if (!wanted.IsThere())
            {
                index.SkipTo(wanted.Agent, SequenceNumber.Of(version)); // the last records may have been collected
            }

            Invariant.Holds(wanted.IsThere(), $"The journal of {wanted.Agent} in {execution} ends before what others rest on: a message was consumed that nobody sent.");
        }

        return null;
    }

    private SequenceNumber? From(Wanted wanted)
    {
        lock (sync)
        {
            return wanted.IsThere() ? null : index.Taken(wanted.Agent);
        }
    }

    private sealed record Wanted(AgentId Agent, Func<bool> IsThere);
}
