using System.Runtime.InteropServices;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// Messages that were made durable on this host not long ago and are not consumed yet: a receiver on the same host need not read them from their senders'
/// journals. A position of a journal is never used twice, so that what is here is what is there. Safe for concurrent callers.
/// </summary>
/// <param name="bytesMax">The most that payloads may have together, in bytes of JSON; the oldest go first. 0: none is kept.</param>
public sealed class RecentMessages(long bytesMax = RecentMessages.BytesMaxDefault)
{
    /// <summary>The most bytes unless a host says otherwise: 16 MiB.</summary>
    public const long BytesMaxDefault = 16 * 1024 * 1024;

    private const int Overhead = 256; // of an entry, about

    private readonly Lock _sync = new();
    private readonly Dictionary<(ExecutionAddress Execution, MessageId Message), LinkedListNode<Kept>> _kept = [];
    private readonly LinkedList<Kept> _inOrder = new();
    private long _bytes;

    /// <summary>Takes note of records that are durable: what they send is kept, and what they consume is needed no more.</summary>
    /// <param name="execution">The execution.</param>
    /// <param name="agent">Whose journal.</param>
    /// <param name="first">The position of the first.</param>
    /// <param name="records">The records, with payloads.</param>
    public void Note(ExecutionAddress execution, AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records)
    {
        lock (_sync)
        {
            for (var i = 0; i < records.Count; i++)
            {
                if (records[i] is MessageConsumed consumed)
                {
                    Forget((execution, consumed.Message));
                }
                else if (records[i] is MessageSent sent)
                {
                    Keep((execution, new MessageId(agent, SequenceNumber.Of(first.Number + i))), sent);
                }
            }
        }
    }

    /// <summary>A message with its payload: from here, or from its sender's journal.</summary>
    /// <exception cref="Protocol.Errors.RecoveryException"><c>CorruptDatabase</c>: it is not there.</exception>
    public ValueTask<IncomingMessage> ReadAsync(IJournal journal, ExecutionAddress execution, PendingMessage message, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            if (_kept.TryGetValue((execution, message.Id), out var kept))
            {
                return ValueTask.FromResult(IncomingMessage.Of(message, kept.Value.Sent));
            }
        }

        return new ValueTask<IncomingMessage>(AgentJournal.ReadMessageAsync(journal, execution, message, cancellationToken));
    }

    private void Keep((ExecutionAddress Execution, MessageId Message) key, MessageSent sent)
    {
        var bytes = JsonMarshal.GetRawUtf8Value(sent.Payload).Length + Overhead;
        if (bytes > bytesMax || _kept.ContainsKey(key))
        {
            return;
        }

        var own = sent with { Payload = sent.Payload.Clone() }; // what came with a request goes with the request
        _kept.Add(key, _inOrder.AddLast(new Kept(key, own, bytes)));
        _bytes += bytes;
        while (_bytes > bytesMax)
        {
            Forget(_inOrder.First!.Value.Key);
        }
    }

    private void Forget((ExecutionAddress Execution, MessageId Message) key)
    {
        if (_kept.Remove(key, out var kept))
        {
            _inOrder.Remove(kept);
            _bytes -= kept.Value.Bytes;
        }
    }

    private sealed record Kept((ExecutionAddress Execution, MessageId Message) Key, MessageSent Sent, int Bytes);
}
