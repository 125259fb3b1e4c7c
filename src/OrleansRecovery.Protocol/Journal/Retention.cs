using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Journal;

/// <summary>Positions of records that may be deleted, in order.</summary>
/// <param name="Sends">Of messages: these of all journals go before anything else of any journal does.</param>
/// <param name="Others">Of everything else.</param>
public sealed record CollectableRecords(IReadOnlyList<long> Sends, IReadOnlyList<long> Others);

/// <summary>Which records of a journal are of no use any more (theory, R18).</summary>
public static class Retention
{
    /// <summary>
    /// Positions of records that may be deleted. What stays below <paramref name="from"/>: what recoveries wrote, and the sends and consumptions of messages
    /// that are not settled on both sides, each with the record that opened its interval. (A send that stays without its consumption would be delivered again.)
    /// </summary>
    /// <param name="agent">Whose journal.</param>
    /// <param name="stored">The records that are there, in order.</param>
    /// <param name="from">Where the journal that is needed as a whole begins: <see cref="Collected.From"/>.</param>
    /// <param name="isNeeded">Is the message not settled (<see cref="Dependencies.ExecutionIndex.IsNeeded"/>)?</param>
    public static CollectableRecords Collectable(
        AgentId agent, IReadOnlyList<(SequenceNumber Position, AgentEvent Record)> stored, SequenceNumber from, Func<MessageId, bool> isNeeded)
    {
        var (sends, others) = (new List<long>(), new List<long>());
        SequenceNumber? opening = null;
        foreach (var (position, record) in stored.TakeWhile(item => item.Position < from))
        {
            switch (record)
            {
                case MessageSent when isNeeded(new MessageId(agent, position)):
                case MessageConsumed consumed when isNeeded(consumed.Message):
                    opening = null; // and so its interval's opening stays
                    break;
                case MessageSent:
                    sends.Add(position.Number);
                    break;
                case IntervalOpened:
                    Drop(opening);
                    opening = position;
                    break;
                case { IsWork: true } or IntervalSealed or Collected:
                    Drop(position);
                    break;
            }
        }

        Drop(opening);
        return new CollectableRecords(sends, others);

        void Drop(SequenceNumber? position)
        {
            if (position is { } known)
            {
                others.Add(known.Number);
            }
        }
    }
}
