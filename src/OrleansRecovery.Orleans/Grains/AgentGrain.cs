using System.Diagnostics.CodeAnalysis;
using Orleans.Concurrency;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Orleans.Grains;

// Re-entrant, since the mailbox keeps the order: a call only puts something into it.
[Reentrant]
[GrainType("recovery.agent")]
[SuppressMessage("Design", "CA1001", Justification = "Orleans ends an activation with OnDeactivateAsync.")]
internal sealed class AgentGrain(RecoverySilo silo) : Grain, IAgentGrain
{
    private static readonly TimeSpan BusyCheck = TimeSpan.FromSeconds(30);

    private MailboxSetup? _setup;
    private IAgentMailbox? _mailbox;

    // Without one there was no such execution when the grain was activated.
    private IAgentMailbox Mailbox => _mailbox ?? throw Unknown();

    private ForeignMailbox Foreign => _setup?.Foreign(GrainKeys.AgentOf(this.GetPrimaryKeyString()), _ => Mailbox) ?? throw Unknown();

    public override Task OnActivateAsync(CancellationToken cancellationToken) => Activating.GuardAsync(async () =>
    {
        RequestContext.Clear(); // the mailbox outlives the call that woke it
        var (activation, scheduler) = (GrainContext, TaskScheduler.Current);
        var catalog = silo.Options.Agents.Prepared(agent => agent.HostAsync(activation, scheduler));
        var key = this.GetPrimaryKeyString();
        var execution = GrainKeys.ExecutionOf(key);
        if (await StartedAsync(execution, cancellationToken) is not { } started)
        {
            return;
        }

        var home = new RemoteExecution(GrainFactory.GetGrain<IRollbackCoordinatorGrain>(GrainKeys.OfExecution(execution)), silo.Time, silo.Logger);
        _setup = new MailboxSetup(
            execution, MailboxSetup.AgentsOf(started), started.Policy, home, catalog, silo.Journal, silo.Memory, silo.Time, silo.Logger)
        {
            Capabilities = silo.Capabilities,
        };
        _mailbox = _setup.Open(started, GrainKeys.AgentOf(key));
        if (_mailbox is AgentMailbox own)
        {
            silo.Warning.Add(execution, own);
        }

        // A turn may last longer than Orleans lets a grain live that nobody calls.
        this.RegisterGrainTimer(StayWhileBusy, new GrainTimerCreationOptions(BusyCheck, BusyCheck) { Interleave = true });
    });

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_mailbox is AgentMailbox own)
        {
            silo.Warning.Remove(GrainKeys.ExecutionOf(this.GetPrimaryKeyString()), own);
        }

        if (_mailbox is { } mailbox)
        {
            await mailbox.DisposeAsync();
        }
    }

    public Task PostAsync(Json<ParticipantMessage> message, long version)
    {
        Mailbox.Post(message.Value(), SequenceNumber.Of(version));
        return Task.CompletedTask;
    }

    public Task WakeAsync()
    {
        Mailbox.Wake();
        return Task.CompletedTask;
    }

    public Task RemindAsync()
    {
        Mailbox.Remind();
        return Task.CompletedTask;
    }

    public Task<Reply<Nothing>> TellAsync(Json<ParticipantMessage> message) => WireJson.ReplyAsync(() =>
    {
        Foreign.Tell(message.Value());
        return Task.CompletedTask;
    });

    public Task<Reply<SequenceNumber?>> AppendAsync(long at, Json<IReadOnlyList<AgentEvent>> records) => WireJson.ReplyAsync<SequenceNumber?>(async () =>
    {
        using var enough = new CancellationTokenSource(RecoverySilo.AnswerPatience, silo.Time);
        try
        {
            return await Foreign.AppendAsync(SequenceNumber.Of(at), records.Value(), enough.Token);
        }
        catch (OperationCanceledException)
        {
            return null; // the coordinator, which it has to ask, is being taken over; the same records again do nothing
        }
    });

    public Task<Reply<ForeignInbox>> InboxAsync(long? request, long milliseconds) => WireJson.ReplyAsync(() =>
        Foreign.InboxAsync(request is { } asked ? SequenceNumber.Of(asked) : null, RecoverySilo.PatienceOf(milliseconds), CancellationToken.None));

    public Task<Reply<Nothing>> SealAsync(long interval, string by) =>
        WireJson.ReplyAsync(() => Mailbox.SealAsync(CheckpointNumber.Of(interval), IssuerId.Parse(by)));

    public Task<Reply<Collected?>> CollectAsync(long line) => WireJson.ReplyAsync(() => Mailbox.CollectAsync(CheckpointNumber.Of(line)));

    private async Task<ExecutionStarted?> StartedAsync(ExecutionAddress execution, CancellationToken cancellationToken)
    {
        try
        {
            return await silo.StartedAsync(execution, cancellationToken);
        }
        catch (RecoveryException unknown) when (unknown.Error.Code == RecoveryErrorCode.UnknownExecution)
        {
            return null; // who speaks for the agent is told so; it may be started the next moment
        }
    }

    private RecoveryException Unknown()
    {
        DeactivateOnIdle();
        return LoadedExecution.Unknown(GrainKeys.ExecutionOf(this.GetPrimaryKeyString()));
    }

    private Task StayWhileBusy(CancellationToken cancellationToken)
    {
        if (Mailbox.IsBusy)
        {
            DelayDeactivation(BusyCheck * 4);
        }

        return Task.CompletedTask;
    }
}
