using System.Security.Cryptography;
using System.Text;
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

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What agents ask and tell.</content>
public sealed partial class ExecutionDriver : IExecution
{
    // Enough for an agent to find one that is not barred; barred ones are few, and only while a recovery is open.
    private const int PendingMax = 64;

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
                [.. _index.Pending(agent).Where(message => message.Dependency != DependencyKind.Result).Take(PendingMax).Select(Pending)])
            {
                IsSettled = _open is null && !IsHeld,
            };
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
    public Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken)
    {
        ThrowIfOvertaken(); // whether it leads is asked when the record is heard of: an agent may declare thousands
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

            var may = !IsFalling(producer);
            if (may)
            {
                _declaring.Add((producer, consumer));
            }

            return Task.FromResult(may);
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
    public Task FailedAsync(
        Interval suspect, Incarnation incarnation, FailureReason reason, string detail, string? evidence, CancellationToken cancellationToken)
    {
        var id = IdOf(suspect, incarnation);
        if (evidence is not null && WhyItStands(suspect, id, evidence) is { } why) // a turn that fails was open until now
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.StaleSignal,
                $"The result of {suspect} was rejected, and {why}.",
                "Nothing falls; whoever rejected it is told.",
                "Correct what rests on it with new work.");
        }

        var now = Now();
        var shortened = detail.Length > 1024 ? detail[..1024] : detail;
        var signal = new FailureSignal(
            id, SignalPolicy.Host, Address.Tenant, Address.Execution, suspect, incarnation, reason, now, now + 60_000,
            evidence,
            shortened);
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

        _changed.Beat();
    }

    // The index says what falls while the suspects stand, and the coordinator when they are undone already.
    private bool IsFalling(Interval interval) => _state.Phase == ExecutionPhase.Recovering
        && (_open is not { } open || Covers(_index.Reach(open.Suspects), interval) || Covers(open.Targets, interval));

    private static bool Covers(IReadOnlyDictionary<AgentId, CheckpointNumber> targets, Interval interval) =>
        targets.TryGetValue(interval.Agent, out var target) && interval.Number >= target;

    private IReadOnlyList<PendingMessage> Responses(AgentId agent, MessageId request) =>
        [.. _index.Pending(agent).Where(message => message.InReplyTo == request && message.Dependency == DependencyKind.Result).Select(Pending)];

    private static PendingMessage Pending(MessageEntry message) => new(message.Id, message.SentIn, message.Incarnation);

    // No failure of it is accepted any more, or this one was answered, and undid nothing.
    private string? WhyItStands(Interval interval, SignalId signal, string evidence)
    {
        lock (_sync)
        {
            return _index.IsSealed(interval, SealedBefore()) ? "the interval was validated or is older than the detection window"
                : Unanswered(_state, _open).All(said => said.Signal != signal)
                    && _recoveries.Values.LastOrDefault(recovery => recovery.AbortReason is not null
                        && recovery.Signals.Exists(said => said.Signal == signal && said.EvidenceDigest == evidence)) is { } aborted
                    ? $"the recovery {aborted.Recovery} of that ended without undoing anything ({aborted.AbortReason})"
                : null;
        }
    }

    private long SealedBefore() => Now() - Started.Policy.DetectionWindowMilliseconds;

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
                ForgetDeclaring(agent, record);
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

        _changed.Beat();
    }

    // Under the lock. What was allowed is in the index when its record is; an interval that is over has declared what it will ever declare.
    private void ForgetDeclaring(AgentId agent, AgentEvent record)
    {
        if (_declaring.Count == 0)
        {
            return;
        }

        switch (record)
        {
            case DependencyDeclared declared:
                _declaring.RemoveWhere(item => item.Consumer.Agent == agent && item.Producer == declared.Producer);
                break;
            case IntervalOpened opened:
                _declaring.RemoveWhere(item => item.Consumer.Agent == agent && item.Consumer.Number < opened.Number);
                break;
            case RolledBack:
                _declaring.RemoveWhere(item => item.Consumer.Agent == agent);
                break;
        }
    }
}
