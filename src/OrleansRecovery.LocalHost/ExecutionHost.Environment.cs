using System.Text.Json;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.LocalHost;

/// <content>What agents need of their host.</content>
internal sealed partial class ExecutionHost : IAgentEnvironment
{
    private TaskCompletionSource _changed = NewDone();
    private Task _outsideObserved = Task.CompletedTask;
    private long _outsideNext;
    private int _loaded;

    /// <inheritdoc/>
    public async Task AppendAsync(StreamAppend append, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken)
    {
        await _host.Journal.AppendAsync(JournalBatch.Of(append), cancellationToken);
        Observe(AgentId.Parse(append.Stream.Name), append.ExpectedVersion, records);
    }

    /// <inheritdoc/>
    public bool Knows(AgentId agent) => agent == Outside.Agent || _assigned.ContainsKey(agent);

    /// <inheritdoc/>
    public async Task<IncomingMessage> ReadMessageAsync(MessageId message, CancellationToken cancellationToken)
    {
        MessageEntry? entry;
        lock (_sync)
        {
            entry = _index.Find(message);
        }

        var stream = StreamId.OfAgent(Address, message.Sender);
        await foreach (var stored in _host.Journal.ReadAsync(stream, message.Sequence.Number, cancellationToken))
        {
            if (stored.Position == message.Sequence.Number && AgentEventJson.Read(stored.Body.Span) is MessageSent sent)
            {
                return new IncomingMessage(
                    message, entry?.SentIn ?? default, entry?.Incarnation ?? default, sent.Type, sent.Payload, sent.Dependency, sent.Strength, sent.InReplyTo,
                    sent.AwaitsReply);
            }

            break;
        }

        throw RecoveryException.Of(
            RecoveryErrorCode.CorruptDatabase,
            $"The journal of {message.Sender} has no message {message}.",
            "Its receiver waits; nothing else is touched.",
            "Restore the database from a backup.");
    }

    /// <inheritdoc/>
    public async Task<IncomingMessage> ResponseAsync(AgentId agent, MessageId request, CancellationToken cancellationToken)
    {
        while (true)
        {
            MessageId? found;
            Task changed;
            lock (_sync)
            {
                changed = _changed.Task;
                found = _index.Pending(agent)
                    .Where(message => message.InReplyTo == request && message.Dependency == DependencyKind.Result)
                    .Where(message => !_agents[agent].Bars(message.Id, message.SentIn))
                    .Select(message => (MessageId?)message.Id)
                    .FirstOrDefault();
            }

            if (found is { } response)
            {
                return await ReadMessageAsync(response, cancellationToken);
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void CheckDeclared(Interval producer, Interval consumer)
    {
        lock (_sync)
        {
            ExecutionQueries.CheckInterval(Address, Started, _index, producer);
            if (_index.Reach([consumer]).TryGetValue(producer.Agent, out var dependsFrom) && producer.Number >= dependsFrom && producer != consumer)
            {
                throw RecoveryException.Of(
                    RecoveryErrorCode.CyclicDependency,
                    $"{consumer} declares that it used {producer}, which itself depends on {consumer}.",
                    "The dependency was not recorded; the turn fails.",
                    "Declare what was used before it was used, and by the interval that used it.");
            }
        }
    }

    /// <inheritdoc/>
    public bool IsDead(MessageId message)
    {
        lock (_sync)
        {
            return _index.Find(message) is null;
        }
    }

    /// <inheritdoc/>
    public bool IsPastSealed(Interval interval)
    {
        var sealedBefore = _host.Now() - Started.Policy.DetectionWindowMilliseconds;
        lock (_sync)
        {
            return _index.IsPastSealed(interval, sealedBefore);
        }
    }

    /// <inheritdoc/>
    public async Task PastSealedAsync(Interval interval, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_sync)
            {
                changed = _changed.Task;
            }

            if (IsPastSealed(interval))
            {
                return;
            }

            // Age seals too, and age makes no event: look again after a while.
            await Task.WhenAny(changed, Task.Delay(TimeSpan.FromSeconds(1), _host.Options.Time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <inheritdoc/>
    public void ToCoordinator(ParticipantMessage message)
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
    public async Task TurnFailedAsync(Interval suspect, Incarnation incarnation, FailureReason reason, string detail)
    {
        var now = _host.Now();
        var shortened = detail.Length > 1024 ? detail[..1024] : detail;
        var signal = new FailureSignal(
            SignalId.Parse($"s-{_host.Options.NewRecoveryId()}"), SignalPolicy.Host, Address.Tenant, Address.Execution, suspect, incarnation, reason, now, now + 60_000,
            Detail: shortened);
        var host = HostOf(suspect.Agent);
        host.AwaitRecovery(true);
        try
        {
            await SignalAsync(signal, isOwn: true);
        }
        catch
        {
            host.AwaitRecovery(false); // nobody heard of it: the turn is run again
            throw;
        }
    }

    /// <summary>Input from outside, into an agent's inbox.</summary>
    internal async Task<MessageId> SendFromOutsideAsync(AgentId to, string type, JsonElement payload, CancellationToken cancellationToken)
    {
        Task appended;
        Task previous;
        var observed = NewDone();
        long first;
        var records = new List<AgentEvent>();
        lock (_sync)
        {
            first = _outsideNext;
            if (first == 0)
            {
                records.Add(new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, _host.Now()));
            }

            records.Add(new MessageSent(to, type, payload, DependencyKind.Message, DependencyStrength.Required, null));
            var append = new StreamAppend(
                StreamId.OfAgent(Address, Outside.Agent), first, [.. records.Select(record => new ReadOnlyMemory<byte>(AgentEventJson.Write(record)))], []);
            _outsideNext += records.Count;

            // Not cancelled from here: the positions are given out, and the next sender counts on them.
            appended = _host.Journal.AppendAsync(JournalBatch.Of(append), CancellationToken.None);
            previous = _outsideObserved;
            _outsideObserved = observed.Task;
        }

        try
        {
            await AppendedAsync(appended);
            await previous; // the index takes a journal's records in their order, whichever sender is first to go on
            Observe(Outside.Agent, first, records);
        }
        finally
        {
            observed.TrySetResult();
        }

        return new MessageId(Outside.Agent, SequenceNumber.Of(first + records.Count - 1));
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
            var version = await _host.Journal.VersionAsync(StreamId.OfAgent(Address, Outside.Agent), CancellationToken.None);
            lock (_sync)
            {
                _outsideNext = version;
            }

            throw;
        }
    }

    private void Observe(AgentId agent, long first, IReadOnlyList<AgentEvent> records)
    {
        var receivers = new HashSet<AgentId>();
        var all = false;
        lock (_sync)
        {
            foreach (var record in records)
            {
                _index.Observe(agent, SequenceNumber.Of(first++), LoadedExecution.WithoutPayload(record));
                if (record is MessageSent sent)
                {
                    receivers.Add(sent.To);
                }

                all |= record is RolledBack or Unbarred or PromiseReleased or Reinstated;
            }
        }

        foreach (var receiver in receivers.Where(_assigned.ContainsKey))
        {
            HostOf(receiver).Wake();
        }

        if (all)
        {
            HostOf(agent).Wake();
        }

        Changed();
    }

    /// <summary>The first message that waits for an agent and that it may consume now.</summary>
    internal MessageId? NextMessage(AgentId agent, Func<MessageId, CheckpointNumber, bool> bars)
    {
        lock (_sync)
        {
            foreach (var message in _index.Pending(agent))
            {
                if (message.Dependency != DependencyKind.Result && !bars(message.Id, message.SentIn))
                {
                    return message.Id;
                }
            }
        }

        return null;
    }

    internal bool HasJournal(AgentId agent)
    {
        lock (_sync)
        {
            return _index.Position(agent) is not null;
        }
    }

    /// <summary>Might the agent be in the middle of something, as far as the index knows?</summary>
    internal bool MayHaveOpenWork(AgentId agent)
    {
        lock (_sync)
        {
            return _index.HasOpenWork(agent) || _index.Pending(agent).Count > 0;
        }
    }

    internal bool TooManyLoaded() => Volatile.Read(ref _loaded) > _host.Options.IdleAgentCountMax;

    internal void AgentLoaded(int change) => Interlocked.Add(ref _loaded, change);

    internal void AgentIsStuck(AgentId agent, RecoveryError? error)
    {
        if (error is not null)
        {
            _stuck[agent] = error;
        }
    }

    /// <summary>Something happened: whoever waits looks again.</summary>
    internal void Changed()
    {
        TaskCompletionSource changed;
        lock (_sync)
        {
            changed = _changed;
            _changed = NewDone();
        }

        changed.TrySetResult();
    }

    /// <summary>Completes when nothing is under way.</summary>
    internal async Task SettledAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_sync)
            {
                changed = _changed.Task;
            }

            if (IsSettled())
            {
                return;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Something was put into a mailbox, or a turn or a compensation begins.</summary>
    internal void WorkBegins() => Interlocked.Increment(ref _inFlight);

    /// <summary>It is done; what it led to has begun.</summary>
    internal void WorkEnded()
    {
        Interlocked.Decrement(ref _inFlight);
        Changed();
    }

    private bool IsSettled()
    {
        if (Volatile.Read(ref _inFlight) != 0)
        {
            return false;
        }

        if (IsHeld || _open is { Phase: CoordinatorPhase.Escalated })
        {
            return true;
        }

        lock (_sync)
        {
            return _state.Phase != ExecutionPhase.Recovering && !_assigned.Keys.Any(agent => !_stuck.ContainsKey(agent)
                && _index.Pending(agent).Any(message => message.Dependency != DependencyKind.Result));
        }
    }
}
