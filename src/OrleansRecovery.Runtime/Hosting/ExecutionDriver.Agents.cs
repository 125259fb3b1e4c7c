using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What agents ask and tell, and the outside, which is the agent that this driver journals for.</content>
public sealed partial class ExecutionDriver : IExecution
{
    // Enough for an agent to find one that is not barred; barred ones are few, and only while a recovery is open.
    private const int PendingMax = 64;

    private readonly SemaphoreSlim _keyed = new(1, 1);
    private Task _outsideObserved = Task.CompletedTask;
    private SequenceNumber _outsideNext;

    /// <inheritdoc/>
    public async Task<AgentSituation> SituationAsync(AgentId agent, SequenceNumber journalled, CancellationToken cancellationToken)
    {
        ThrowIfOvertaken();
        await _reader.ReadAsync(agent, journalled, cancellationToken); // what nobody could tell: its process died, or the call was lost
        lock (_sync)
        {
            return new AgentSituation(
                _version,
                IsHeld,
                ClassOf(agent),
                MayHaveWork(agent),
                [.. _index.Pending(agent).Where(message => message.Dependency != DependencyKind.Result).Take(PendingMax).Select(Pending)]);
        }
    }

    /// <inheritdoc/>
    public async Task ObserveAsync(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken)
    {
        if (records.Any(record => record is DependencyDeclared))
        {
            await CheckLeadsAsync(cancellationToken);
        }

        await _reader.ReadAsync(agent, first, cancellationToken);
        if (!TryTakeIn(agent, first, records))
        {
            await _reader.ReadAsync(agent, SequenceNumber.Of(first.Number + records.Count), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<PendingMessage>> ResponsesAsync(AgentId agent, MessageId request, CancellationToken cancellationToken)
    {
        ThrowIfOvertaken();
        await _reader.ReadAsync(agent, request.Sequence.Next, cancellationToken); // the request itself may have been told to a driver before this one
        lock (_sync)
        {
            return _index.CallCycle(request) is { } ring ? throw ExecutionQueries.CallCycle(Address, ring) : Responses(agent, request);
        }
    }

    /// <inheritdoc/>
    public async Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken)
    {
        await CheckLeadsAsync(cancellationToken);
        lock (_sync)
        {
            if (ExecutionQueries.FaultOf(Address, Started, _index, producer) is { } fault)
            {
                throw new RecoveryException(fault);
            }

            if (_index.Reach([consumer]).TryGetValue(producer.Agent, out var dependsFrom) && producer.Number >= dependsFrom && producer != consumer)
            {
                throw RecoveryException.Of(
                    RecoveryErrorCode.CyclicDependency,
                    $"{consumer} declares that it used {producer}, which itself depends on {consumer}.",
                    "The dependency was not recorded; the turn fails.",
                    "Declare what was used before it was used, and by the interval that used it.");
            }

            return !IsFalling(producer);
        }
    }

    /// <inheritdoc/>
    public Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            return Task.FromResult(messages.Any(message => _index.Find(message) is null));
        }
    }

    /// <inheritdoc/>
    public Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            return Task.FromResult(_index.IsPastSealed(interval, SealedBefore()));
        }
    }

    /// <inheritdoc/>
    public void Tell(ParticipantMessage message)
    {
        CoordinatorInput input = message.Kind switch
        {
            RecoveryMessageKind.Vote => new CoordinatorInput.Voted((Vote)message),
            RecoveryMessageKind.Compensated => new CoordinatorInput.CompensationReported((Compensated)message),
            RecoveryMessageKind.Restored => new CoordinatorInput.RestoreReported((Restored)message),
            _ => new CoordinatorInput.Asked((StatusQuery)message),
        };
        Post(input, message.Recovery);
    }

    /// <inheritdoc/>
    public Task FailedAsync(Interval suspect, Incarnation incarnation, FailureReason reason, string detail, CancellationToken cancellationToken)
    {
        var now = Now();
        var shortened = detail.Length > 1024 ? detail[..1024] : detail;
        var signal = new FailureSignal(
            IdOf(suspect, incarnation), SignalPolicy.Host, Address.Tenant, Address.Execution, suspect, incarnation, reason, now, now + 60_000,
            Detail: shortened);
        return SignalAsync(signal, isOwn: true);
    }

    // It follows from what failed: an agent that was not told that its failure is known says the same signal again.
    private static SignalId IdOf(Interval failed, Incarnation incarnation) =>
        SignalId.Parse($"s-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{failed} {incarnation}")))[..32]}");

    /// <inheritdoc/>
    public void Stuck(AgentId agent, RecoveryError error)
    {
        lock (_sync)
        {
            _stuck[agent] = error;
        }

        Changed();
    }

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

        await _keyed.WaitAsync(_stopping.Token); // one at a time: the second of two with one key finds the first in the index
        try
        {
            MessageId? before;
            lock (_sync)
            {
                before = _index.SentWith(key);
            }

            if (before is not { } sent)
            {
                return await SendOnceAsync(to, type, payload, awaitsReply, key);
            }

            await RefuseUnlessSameAsync(sent, to, type, payload, awaitsReply);
            return sent;
        }
        finally
        {
            _keyed.Release();
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
                changed = _changed.Task;
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
                var message = await AgentJournal.ReadMessageAsync(_setup.Journal, Address, found, _stopping.Token); // it is there: who came just in time gets it
                return new AgentResponse(message.Type, message.Payload);
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    // The index says what falls while the suspects stand, and the coordinator when they are undone already.
    private bool IsFalling(Interval interval) => _state.Phase == ExecutionPhase.Recovering
        && (_open is not { } open || Covers(_index.Reach(open.Suspects), interval) || Covers(open.Targets, interval));

    private static bool Covers(IReadOnlyDictionary<AgentId, CheckpointNumber> targets, Interval interval) =>
        targets.TryGetValue(interval.Agent, out var target) && interval.Number >= target;

    private IReadOnlyList<PendingMessage> Responses(AgentId agent, MessageId request) =>
        [.. _index.Pending(agent).Where(message => message.InReplyTo == request && message.Dependency == DependencyKind.Result).Select(Pending)];

    private static PendingMessage Pending(MessageEntry message) => new(message.Id, message.SentIn, message.Incarnation);

    private long SealedBefore() => Now() - Started.Policy.DetectionWindowMilliseconds;

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
            var version = await _setup.Journal.VersionAsync(StreamId.OfAgent(Address, Outside.Agent), CancellationToken.None);
            await _reader.ReadAsync(Outside.Agent, SequenceNumber.Of(version), CancellationToken.None);
            lock (_sync)
            {
                _outsideNext = SequenceNumber.Of(version);
            }

            throw;
        }
    }

    // An agent may be ahead of what was heard of others, whose messages it consumed: then their journals are read first.
    private bool TryTakeIn(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records)
    {
        lock (_sync)
        {
            if (records.Any(record => _index.MissingFor(record) is not null))
            {
                return false;
            }
        }

        TakeIn(agent, first, records);
        return true;
    }

    private void TakeIn(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records)
    {
        var woken = new HashSet<AgentId>();
        lock (_sync)
        {
            _stuck.Remove(agent);
            foreach (var (offset, record) in records.Index())
            {
                var position = SequenceNumber.Of(first.Number + offset);
                if (position < _index.Taken(agent))
                {
                    continue; // told before
                }

                _index.Observe(agent, position, LoadedExecution.WithoutPayload(record));
                if (record is MessageSent sent)
                {
                    woken.Add(sent.To);
                }
                else if (record is RolledBack or Unbarred or PromiseReleased or Reinstated)
                {
                    woken.Add(agent);
                }
            }
        }

        foreach (var receiver in woken.Where(_assigned.ContainsKey))
        {
            _environment.Wake(receiver);
        }

        Changed();
    }

    // Something happened: whoever waits looks again.
    private void Changed()
    {
        TaskCompletionSource changed;
        lock (_sync)
        {
            changed = _changed;
            _changed = new TaskCompletionSource();
        }

        _setup.Scheduler.Wake(changed);
    }
}
