using System.Diagnostics.CodeAnalysis;
using Orleans.Concurrency;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Orleans.Grains;

// Re-entrant, since the mailbox keeps the order: a call only puts something into it.
[Reentrant]
[GrainType("recovery.agent")]
[SuppressMessage("Design", "CA1001", Justification = "Orleans ends an activation with OnDeactivateAsync.")]
internal sealed class AgentGrain(RecoverySilo silo) : Grain, IAgentGrain
{
    private static readonly TimeSpan BusyCheck = TimeSpan.FromSeconds(30);

    private AgentMailbox _mailbox = null!;

    public override Task OnActivateAsync(CancellationToken cancellationToken) => Activating.GuardAsync(async () =>
    {
        RequestContext.Clear(); // the mailbox outlives the call that woke it
        var (activation, scheduler) = (GrainContext, TaskScheduler.Current);
        var catalog = silo.Options.Agents.Prepared(agent => agent.HostAsync(activation, scheduler));
        var key = this.GetPrimaryKeyString();
        var execution = GrainKeys.ExecutionOf(key);
        var started = await silo.StartedAsync(execution, cancellationToken);
        var home = new RemoteExecution(GrainFactory.GetGrain<IRollbackCoordinatorGrain>(GrainKeys.OfExecution(execution)), silo.Time, silo.Logger);
        var setup = new MailboxSetup(
            execution, MailboxSetup.AgentsOf(started), started.Policy, home, catalog, silo.Journal, silo.Memory, silo.Time, silo.Logger);
        _mailbox = new AgentMailbox(setup, GrainKeys.AgentOf(key));
        silo.Warning.Add(execution, _mailbox);

        // A turn may last longer than Orleans lets a grain live that nobody calls.
        this.RegisterGrainTimer(StayWhileBusy, new GrainTimerCreationOptions(BusyCheck, BusyCheck) { Interleave = true });
    });

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_mailbox is { } mailbox)
        {
            silo.Warning.Remove(GrainKeys.ExecutionOf(this.GetPrimaryKeyString()), mailbox);
            await mailbox.DisposeAsync();
        }
    }

    public Task PostAsync(Json<ParticipantMessage> message, long version)
    {
        _mailbox.Post(message.Value(), SequenceNumber.Of(version));
        return Task.CompletedTask;
    }

    public Task WakeAsync()
    {
        _mailbox.Wake();
        return Task.CompletedTask;
    }

    public Task RemindAsync()
    {
        _mailbox.Remind();
        return Task.CompletedTask;
    }

    public Task<Reply<Nothing>> SealAsync(long interval, string by) =>
        WireJson.ReplyAsync(() => _mailbox.SealAsync(CheckpointNumber.Of(interval), IssuerId.Parse(by)));

    public Task<Reply<Collected?>> CollectAsync(long line) => WireJson.ReplyAsync(() => _mailbox.CollectAsync(CheckpointNumber.Of(line)));

    private Task StayWhileBusy(CancellationToken cancellationToken)
    {
        if (_mailbox.IsBusy)
        {
            DelayDeactivation(BusyCheck * 4);
        }

        return Task.CompletedTask;
    }
}
