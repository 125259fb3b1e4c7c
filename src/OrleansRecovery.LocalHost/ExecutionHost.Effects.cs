using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.LocalHost;

/// <content>What the machines ask for, and the way back from the logs.</content>
internal sealed partial class ExecutionHost
{
    private void CarryOut(ExecutionEffect effect)
    {
        switch (effect.Kind)
        {
            case ExecutionEffectKind.OpenRecovery:
            case ExecutionEffectKind.JoinRecovery:
                break; // done in the same append
            case ExecutionEffectKind.HandToFallback:
            case ExecutionEffectKind.Hold:
                break; // read from the state: ClassOf, IsHeld
            case ExecutionEffectKind.Resume:
                WakeAll();
                break;
        }
    }

    private void CarryOut(RecoveryId recovery, CoordinatorEffect effect)
    {
        switch (effect.Kind)
        {
            case CoordinatorEffectKind.ComputePlan:
                Post(new CoordinatorInput.Planned(Predict(((CoordinatorEffect.ComputePlan)effect).Suspects)), recovery);
                break;
            case CoordinatorEffectKind.Send:
                var message = ((CoordinatorEffect.Send)effect).Message;
                if (_assigned.ContainsKey(message.Agent))
                {
                    HostOf(message.Agent).Post(message);
                }
                else
                {
                    AnswerForOutside(message);
                }

                break;
            case CoordinatorEffectKind.ConfirmDecision:
                Post(new CoordinatorInput.DecisionDurable(), recovery);
                break;
            case CoordinatorEffectKind.HandOver:
                break; // one coordinator for each execution: recoveries meet only in a cluster
            case CoordinatorEffectKind.Announce:
                break; // the execution's machine was told in the same append; followers are told by the progress
            case CoordinatorEffectKind.RefuseRuling:
                break; // told to the caller
        }
    }

    // What left the execution cannot fall: the outside consumed it in no interval of ours.
    private void AnswerForOutside(ParticipantMessage message)
    {
        if (message is Prepare prepare)
        {
            Post(
                new CoordinatorInput.Voted(new Vote(
                    prepare.Recovery, prepare.Epoch, prepare.Agent, prepare.Plan, VoteKind.NotAffected, default, default, UndoneTrace.Empty, [])),
                prepare.Recovery);
        }
    }

    private List<PredictedUndo> Predict(IReadOnlyList<Interval> suspects)
    {
        lock (_sync)
        {
            return [.. _index.Reach(suspects).Select(target => new PredictedUndo(
                target.Key,
                target.Value,
                [.. _index.Live(target.Key).Where(interval => interval.Number >= target.Value)
                    .SelectMany(interval => interval.Recipients()).Distinct().Order()]))];
        }
    }

    private void WakeAll()
    {
        foreach (var agent in _assigned.Keys.Where(agent => _agents.ContainsKey(agent) || MayHaveOpenWork(agent)))
        {
            HostOf(agent).Wake();
        }
    }

    private AgentHost HostOf(AgentId agent) => _agents.GetOrAdd(agent, id => new AgentHost(
        this, new AgentSetup(Address, id, Started.Policy, _host.Journal, this, _host.Options.Time)));

    private async Task ReloadLogsAsync()
    {
        try
        {
            _state = ExecutionState.Start(Started.Policy);
            await foreach (var stored in _host.Journal.ReadAsync(StreamId.OfExecution(Address), 0, Stopping))
            {
                if (ExecutionLog.Read(stored.Body.Span).Input is { } input)
                {
                    _state = ExecutionMachine.Apply(_state, input).State;
                }

                _executionVersion = stored.Position + 1;
            }

            await LoadRecoveriesAsync(Stopping);
            if (_open is { } open)
            {
                Post(new CoordinatorInput.Resumed(open.Epoch.Next), open.Recovery);
            }
        }
#pragma warning disable CA1031 // The storage is still in trouble: the next tick, or the next caller, meets it again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Logger.LogWriteFailed(Address.ToString(), failure.Message);
        }
    }

    private async Task LoadRecoveriesAsync(CancellationToken cancellationToken)
    {
        var recoveries = new SortedDictionary<RecoveryId, CoordinatorState>();
        _open = null;
        await foreach (var stored in _host.Journal.ReadAsync(StreamId.OfCoordinator(Address), 0, cancellationToken))
        {
            var record = CoordinatorJson.Read(stored.Body.Span);
            var state = record.Opened is { } opened
                ? CoordinatorState.Open(opened)
                : CoordinatorMachine.Apply(recoveries[record.Recovery!.Value], record.Input!).State;
            recoveries[state.Recovery] = state;
            _coordinatorVersion = stored.Position + 1;
        }

        lock (_sync)
        {
            _recoveries.Clear();
            foreach (var (id, state) in recoveries)
            {
                _recoveries[id] = state;
            }
        }

        _open = recoveries.Values.FirstOrDefault(recovery => !recovery.Phase.IsTerminal());
    }

    // Journals are read one after another, but fed so that a consumption follows its send.
    private async Task LoadIndexAsync(CancellationToken cancellationToken)
    {
        var journals = new List<(AgentId Agent, Queue<AgentEvent> Records, long Next)>();
        await foreach (var head in _host.Journal.ListAsync(StreamKind.Agent, Address.Tenant, Address.Execution, cancellationToken))
        {
            var records = new Queue<AgentEvent>();
            await foreach (var stored in _host.Journal.ReadAsync(head.Stream, 0, cancellationToken))
            {
                records.Enqueue(WithoutPayload(AgentEventJson.Read(stored.Body.Span)));
            }

            journals.Add((AgentId.Parse(head.Stream.Name), records, 0));
        }

        for (var progress = true; progress;)
        {
            progress = false;
            for (var i = 0; i < journals.Count; i++)
            {
                var (agent, records, next) = journals[i];
                while (records.TryPeek(out var record) && (record is not MessageConsumed consumed || _index.Knows(consumed.Message)))
                {
                    _index.Observe(agent, SequenceNumber.Of(next++), records.Dequeue());
                    progress = true;
                }

                journals[i] = (agent, records, next);
            }
        }

        Protocol.Errors.Invariant.Holds(journals.TrueForAll(journal => journal.Records.Count == 0), $"{Address}: a message was consumed that nobody sent.");
        _outsideNext = journals.Find(journal => journal.Agent == Runtime.Client.Outside.Agent).Next;
    }

    private static AgentEvent WithoutPayload(AgentEvent record) => record switch
    {
        MessageSent sent => sent with { Payload = default },
        ActionIntended intended => intended with { Argument = default },
        ActionSettled settled => settled with { Result = default },
        _ => record,
    };

    internal AgentClass ClassOf(AgentId agent)
    {
        var assigned = _assigned[agent];
        return new AgentClass(_state.OnFallback.Contains(agent) && assigned.Fallback is { } fallback ? fallback : assigned.Class);
    }
}
