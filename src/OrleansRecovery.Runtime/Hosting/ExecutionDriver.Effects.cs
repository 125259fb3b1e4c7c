using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What the machines ask for.</content>
public sealed partial class ExecutionDriver
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
                    _environment.Deliver(message, _version);
                }
                else
                {
                    AnswerForOutside(message);
                }

                break;
            case CoordinatorEffectKind.ConfirmDecision:
                Post(new CoordinatorInput.DecisionDurable(), recovery);
                break;
            case CoordinatorEffectKind.Repeat:
                var (holder, agent) = (CoordinatorEffect.Repeat)effect;
                Post(new CoordinatorInput.Asked(new StatusQuery(holder, _epoch, agent)), holder);
                break;
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
                    .SelectMany(interval => interval.Recipients()).Concat(Declaring(target.Key, target.Value)).Distinct().Order()]))];
        }
    }

    // Those who may have written by now that they use what falls, and were not heard of yet: asked, they know it themselves. Under the lock.
    private IEnumerable<AgentId> Declaring(AgentId producer, CheckpointNumber target) =>
        _declaring.Where(item => item.Producer.Agent == producer && item.Producer.Number >= target).Select(item => item.Consumer.Agent);

    private void WakeAll()
    {
        foreach (var agent in AgentsWithWork())
        {
            _environment.Wake(agent);
        }
    }

    // Also one that an open recovery waits for.
    private List<AgentId> AgentsWithWork()
    {
        var members = _open?.Members;
        lock (_sync)
        {
            return [.. _assigned.Keys.Where(agent => MayHaveWork(agent) || members?.ContainsKey(agent) == true)];
        }
    }

    // Under the lock.
    private bool MayHaveWork(AgentId agent) => _index.HasOpenWork(agent) || _index.Pending(agent).Count > 0;
}
