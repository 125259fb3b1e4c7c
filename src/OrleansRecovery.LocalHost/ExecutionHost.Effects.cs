using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;

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
            TakeLogs(await LoadedExecution.ReadLogsAsync(_host.Journal, Address, Stopping));
            if (_open is { } open)
            {
                Post(new CoordinatorInput.Resumed(HighestEpoch().Next), open.Recovery);
            }
        }
#pragma warning disable CA1031 // The storage is still in trouble: the next tick, or the next caller, meets it again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Logger.LogWriteFailed(Address.ToString(), failure.Message);
        }
    }

    private void TakeLogs(LoadedExecution loaded)
    {
        _state = loaded.State;
        _signals = loaded.Signals;
        _executionVersion = loaded.ExecutionVersion;
        _coordinatorVersion = loaded.CoordinatorVersion;
        _open = loaded.Recoveries.Values.FirstOrDefault(recovery => !recovery.Phase.IsTerminal());
        lock (_sync)
        {
            _recoveries.Clear();
            foreach (var (id, recovery) in loaded.Recoveries)
            {
                _recoveries[id] = recovery;
            }
        }
    }

    internal AgentClass ClassOf(AgentId agent)
    {
        var assigned = _assigned[agent];
        return new AgentClass(_state.OnFallback.Contains(agent) && assigned.Fallback is { } fallback ? fallback : assigned.Class);
    }
}
