using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Cluster.Tests.Http;

/// <summary>What only a cluster has: activations that end, and activations that do not know of each other.</summary>
[Collection("http")]
public sealed class ForeignAgentTests(HttpCluster cluster)
{
    private static readonly AgentId Hotel = AgentId.Parse("hotel");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task What_is_outstanding_when_an_activation_ends_is_delivered_by_the_next_one()
    {
        var (silent, listening) = (new ListeningAgent(answers: false), new ListeningAgent(answers: true));
        await using var host = cluster.Host(new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["victim"] = silent });
        await host.Client.StartAsync("hotel=victim");
        await host.Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await host.Client.TurnAsync("hotel");
        await host.Client.SignalAsync("hotel", 1);
        Assert.IsType<Prepare>(await silent.Received.WaitAsync(Patience));

        _ = cluster.Host(new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["victim"] = listening });
        await host.RestartAsync();
        await host.Client.StatusAsync(_ => true); // and so it is driven on

        Assert.IsType<Prepare>(await listening.Received.WaitAsync(Patience));
    }

    [Fact]
    public async Task Two_activations_take_what_an_agent_appends_once_and_neither_keeps_it_from_going_on()
    {
        var execution = new ExecutionAddress(TenantId.Parse("fence"), ExecutionId.Parse($"e-{Guid.NewGuid():N}"));
        await using var one = MailboxOf(execution);
        await using var other = MailboxOf(execution);
        AgentEvent[] begun =
        [
            new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, 0),
            new IntervalOpened(CheckpointNumber.Of(1), Incarnation.First, IntervalCause.Message, 0),
            new MessageConsumed(Home.Message, CheckpointNumber.First, Incarnation.First, DependencyKind.Message, DependencyStrength.Required, true),
        ];
        AgentEvent[] intended = [new ActionIntended("order", ActionClass.Compensatable, JsonSerializer.SerializeToElement("x"), false, true)];
        AgentEvent[] settled = [new ActionSettled(SequenceNumber.Of(3), true, JsonSerializer.SerializeToElement("x"))];
        AgentEvent[] ended = [new TurnEnded(new string('0', 64), false)];

        Assert.Equal(3, await AppendAsync(one, 0, begun));
        Assert.Equal(3, await AppendAsync(other, 0, begun));
        Assert.Equal(4, await AppendAsync(other, 3, intended));
        Assert.Equal(4, await AppendAsync(one, 3, intended)); // it thinks that nothing is there yet
        Assert.Equal(5, await AppendAsync(other, 4, settled));
        Assert.Equal(5, (await one.InboxAsync(null, TimeSpan.Zero, CancellationToken.None)).Next.Number);
        Assert.Equal(6, await AppendAsync(other, 5, ended));
        var stale = await Assert.ThrowsAsync<RecoveryException>(() => AppendAsync(one, 5, intended));

        Assert.Equal(RecoveryErrorCode.StaleWriter, stale.Error.Code);
        Assert.Equal(6, await cluster.NewJournal().VersionAsync(StreamId.OfAgent(execution, Hotel)));
    }

    [Fact]
    public async Task Who_waits_at_an_activation_that_ends_is_told_to_ask_again()
    {
        var mailbox = MailboxOf(new ExecutionAddress(TenantId.Parse("fence"), ExecutionId.Parse($"e-{Guid.NewGuid():N}")), new Home { HasMessage = false });
        var waiting = mailbox.InboxAsync(null, TimeSpan.FromMinutes(10), CancellationToken.None);

        await mailbox.DisposeAsync();

        Assert.Equal(RecoveryErrorCode.HostStopped, (await Assert.ThrowsAsync<RecoveryException>(() => waiting)).Error.Code);
        Assert.Equal(RecoveryErrorCode.HostStopped, (await Assert.ThrowsAsync<RecoveryException>(() => AppendAsync(mailbox, 0, []))).Error.Code);
    }

    [Fact]
    public async Task A_name_whose_execution_never_began_is_not_listed()
    {
        await using var host = cluster.Host();
        var path = $"/v1/tenants/{host.Client.Tenant}/executions";
        await using var journal = cluster.NewJournal();
        await ExecutionRegistry.NameAsync(journal, new ExecutionAddress(TenantId.Parse(host.Client.Tenant), ExecutionId.Parse("trip")), CancellationToken.None);

        Assert.Empty((await host.Client.GetAsync(path)).Json["items"]!.AsArray());
        await host.Client.StartAsync("hotel=silent");
        Assert.Single((await host.Client.GetAsync(path)).Json["items"]!.AsArray());
    }

    private static async Task<long> AppendAsync(ForeignMailbox mailbox, long at, IReadOnlyList<AgentEvent> records) =>
        (await mailbox.AppendAsync(SequenceNumber.Of(at), records, CancellationToken.None)).Number;

    private ForeignMailbox MailboxOf(ExecutionAddress execution, Home? home = null) => new(
        new MailboxSetup(
            execution, new HashSet<AgentId> { Hotel }, RecoveryPolicy.Default, home ?? new Home(), TestAgents.AddTo(new AgentCatalog(), TestAgents.Foreign),
            cluster.NewJournal(), new AgentMemory(1), TimeProvider.System, NullLogger.Instance),
        Hotel);

    /// <summary>Tells of the first message that came; where it does not answer, it never does.</summary>
    private sealed class ListeningAgent(bool answers) : IForeignAgent
    {
        private readonly TaskCompletionSource<RecoveryMessage> _received = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<RecoveryMessage> Received => _received.Task;

        public async Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken)
        {
            _received.TrySetResult(message.Message);
            await (answers ? Task.CompletedTask : Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken));
            return true;
        }
    }

    /// <summary>An execution in which one message waits for the agent.</summary>
    private sealed class Home : IExecution
    {
        public static MessageId Message { get; } = new(Outside.Agent, SequenceNumber.Of(1));

        public bool HasMessage { get; init; } = true;

        public Task<AgentSituation> SituationAsync(AgentId agent, SequenceNumber journalled, CancellationToken cancellationToken) => Task.FromResult(new AgentSituation(
            SequenceNumber.First, true, new AgentClass("silent"), true, HasMessage ? [new PendingMessage(Message, CheckpointNumber.First, Incarnation.First)] : []));

        public Task ObserveAsync(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<IReadOnlyList<PendingMessage>> ResponsesAsync(AgentId agent, MessageId request, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<PendingMessage>>([]);

        public Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken) => Task.FromResult(true);

        public Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken) => Task.FromResult(false);

        public Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken) => Task.FromResult(false);

        public void Tell(ParticipantMessage message)
        {
            // Nobody listens.
        }

        public Task FailedAsync(
            Interval suspect, Incarnation incarnation, FailureReason reason, string detail, string? evidence, CancellationToken cancellationToken) => Task.CompletedTask;

        public void Stuck(AgentId agent, RecoveryError error)
        {
            // Nobody listens.
        }
    }
}
