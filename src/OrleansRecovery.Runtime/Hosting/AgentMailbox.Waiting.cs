using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>
/// What is said once more while it waits, waits once: a coordinator says with every tick what is unanswered, and while a write takes long here all of that would
/// be taken in, and answered, one after another.
/// </content>
public sealed partial class AgentMailbox
{
    private readonly ConcurrentDictionary<string, bool> _messagesWaiting = new(StringComparer.Ordinal);
    private int _wakeWaits;
    private int _reminderWaits;

    /// <inheritdoc/>
    public void Wake()
    {
        _woken.Beat();
        PutOnce(ref _wakeWaits, new Item { Wakes = true });
    }

    /// <inheritdoc/>
    public void Post(ParticipantMessage message, SequenceNumber version)
    {
        var content = _setup.ContentOf(message);
        if (_messagesWaiting.TryAdd(content, true)) // said once more while it waits, it is still answered once
        {
            TryPut(new Item { Message = message, Version = version, Content = content });
        }
    }

    /// <inheritdoc/>
    public void Remind()
    {
        _woken.Beat();
        PutOnce(ref _reminderWaits, new Item { Reminds = true });
    }

    private void PutOnce(ref int waits, Item item)
    {
        if (Interlocked.Exchange(ref waits, 1) == 0)
        {
            TryPut(item);
        }
    }

    // From here on it waits once more when it is said once more: it may have come after what is looked at now.
    private void NoteTaken(Item item)
    {
        if (item.Content is { } content)
        {
            _messagesWaiting.TryRemove(content, out _);
        }
        else if (item.Wakes)
        {
            Volatile.Write(ref _wakeWaits, 0);
        }
        else if (item.Reminds)
        {
            Volatile.Write(ref _reminderWaits, 0);
        }
    }
}
