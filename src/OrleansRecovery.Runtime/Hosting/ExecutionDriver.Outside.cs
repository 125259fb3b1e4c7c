using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>The outside, which is the agent that this driver journals for: input, and the responses to it.</content>
public sealed partial class ExecutionDriver
{
    private readonly Dictionary<string, Task<MessageId>> _keyed = [];
    private Task _outsideObserved = Task.CompletedTask;
    private SequenceNumber _outsideNext;
    private volatile bool _isOutsideInDoubt;

    /// <summary>Input from outside, into an agent's inbox. When the task completes it is durable.</summary>
    /// <param name="to">The agent.</param>
    /// <param name="type">The name of the message's type.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="awaitsReply">The sender will wait for the response, with <see cref="ResponseAsync"/>.</param>
    /// <param name="key">
    /// The sender's own name for it, or null. Sent again under the same name, also after a crash, it is the same message, until it is collected.
    /// </param>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c>, <c>ExecutionClosed</c>, <c>ReusedKey</c>, or the storage failed.</exception>
    public async Task<MessageId> SendAsync(AgentId to, string type, JsonElement payload, bool awaitsReply = false, string? key = null)
    {
        if (key is null)
        {
            return await SendOnceAsync(to, type, payload, awaitsReply, null);
        }

        if (_isOutsideInDoubt)
        {
            await ReadOutsideAsync(); // what failed may be there, with this key
        }

        var sending = new TaskCompletionSource<MessageId>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<MessageId>? before;
        lock (_sync)
        {
            before = _index.SentWith(key) is { } known ? Task.FromResult(known) : _keyed.GetValueOrDefault(key);
            if (before is null)
            {
                _keyed[key] = sending.Task;
            }
        }

        if (before is not null)
        {
            var sent = await before;
            await RefuseUnlessSameAsync(sent, to, type, payload, awaitsReply);
            return sent;
        }

        try
        {
            var sent = await SendOnceAsync(to, type, payload, awaitsReply, key);
            sending.SetResult(sent);
            return sent;
        }
        catch (Exception failure)
        {
            sending.SetException(failure);
            _ = sending.Task.Exception; // there may be nobody else who waits for it
            throw;
        }
        finally
        {
            lock (_sync)
            {
                _keyed.Remove(key); // it is in the index, or it failed
            }
        }
    }

    private async Task RefuseUnlessSameAsync(MessageId sent, AgentId to, string type, JsonElement payload, bool awaitsReply)
    {
        var records = _setup.Journal.ReadAsync(StreamId.OfAgent(Address, Outside.Agent), sent.Sequence.Number, _stopping.Token);
        await foreach (var stored in records)
        {
            if (AgentEventJson.Read(stored.Body.Span) is MessageSent known && known.To == to && known.Type == type && known.AwaitsReply == awaitsReply
                && JsonElement.DeepEquals(known.Payload, payload))
            {
                return;
            }

            break;
        }

        throw RecoveryException.Of(
            RecoveryErrorCode.ReusedKey,
            $"Message {sent} was sent with this key, and it is another one.",
            "The input was not taken; what was sent first stands.",
            "Repeat the input as it was, or give new input a new key.");
    }

    private async Task<MessageId> SendOnceAsync(AgentId to, string type, JsonElement payload, bool awaitsReply, string? key)
    {
        RefuseUnlessOpen(to);
        Task appended;
        Task previous;
        var observed = NewDone();
        SequenceNumber first;
        var records = new List<AgentEvent>();
        lock (_sync)
        {
            first = _outsideNext;
            if (first == SequenceNumber.First)
            {
                records.Add(new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, Now()));
            }

            records.Add(new MessageSent(to, type, payload, DependencyKind.Message, DependencyStrength.Required, null, awaitsReply, key));
            var append = new StreamAppend(
                StreamId.OfAgent(Address, Outside.Agent), first.Number, [.. records.Select(record => new ReadOnlyMemory<byte>(AgentEventJson.Write(record)))], []);
            _outsideNext = SequenceNumber.Of(first.Number + records.Count);

            // Not cancelled from here: the positions are given out, and the next sender counts on them.
            appended = _setup.Journal.AppendMeasuredAsync(append, CancellationToken.None);
            previous = _outsideObserved;
            _outsideObserved = observed.Task;
        }

        try
        {
            await AppendedAsync(appended);
            await previous; // the index takes a journal's records in their order, whichever sender is first to go on
            await _reader.ReadAsync(Outside.Agent, first, CancellationToken.None); // what one before wrote and could not read
            _setup.Messages.Note(Address, Outside.Agent, first, records);
            TakeIn(Outside.Agent, first, records);
        }
        finally
        {
            observed.TrySetResult();
        }

        return new MessageId(Outside.Agent, SequenceNumber.Of(first.Number + records.Count - 1));
    }

    /// <summary>Waits for the response to input from outside. One that the open recovery is about to undo is not given out.</summary>
    /// <exception cref="RecoveryException"><c>ExecutionClosed</c>: nobody will answer, at least until an operator decides.</exception>
    public async Task<AgentResponse> ResponseAsync(MessageId request, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            PendingMessage? response = null;
            ThrowIfOvertaken();
            lock (_sync)
            {
                changed = _changed.Next;
                if (Responses(Outside.Agent, request) is [var first, ..])
                {
                    response = IsFalling(new Interval(first.Id.Sender, first.SentIn)) ? null : first;
                }
                else if (_state.Phase is ExecutionPhase.Stopped or ExecutionPhase.Escalated)
                {
                    throw ExecutionQueries.NoResponse(Address, request, _state);
                }
            }

            if (response is { } found)
            {
                var message = await _setup.Messages.ReadAsync(_setup.Journal, Address, found, _stopping.Token); // it is there: who came just in time gets it
                return new AgentResponse(message.Type, message.Payload);
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    private void RefuseUnlessOpen(AgentId to)
    {
        ThrowIfOvertaken();
        if (!_assigned.ContainsKey(to))
        {
            throw ExecutionQueries.UnknownAgent(Address, to);
        }

        if (_state.Phase == ExecutionPhase.Stopped)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.ExecutionClosed,
                $"Execution {Address} is stopped.",
                "The message was not taken.",
                "Start another execution; this one's status and ledger stay readable.");
        }
    }

    private async Task AppendedAsync(Task appended)
    {
        try
        {
            await appended;
        }
        catch
        {
            // Later sends fail too, since they counted on this one; then the next one starts from what is durable.
            _isOutsideInDoubt = true;
            await ReadOutsideAsync();
            throw;
        }
    }

    private async Task ReadOutsideAsync()
    {
        var version = SequenceNumber.Of(await _setup.Journal.VersionAsync(StreamId.OfAgent(Address, Outside.Agent), CancellationToken.None));
        await _reader.ReadAsync(Outside.Agent, version, CancellationToken.None);
        lock (_sync)
        {
            _outsideNext = version;
            _isOutsideInDoubt = false;
        }
    }
}
