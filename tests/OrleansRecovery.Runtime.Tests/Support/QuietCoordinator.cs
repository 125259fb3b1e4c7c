using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>It has no messages for the agent, and only listens.</summary>
internal sealed class QuietCoordinator : IExecution
{
    public ConcurrentQueue<ParticipantMessage> Heard { get; } = [];

    public ConcurrentQueue<IReadOnlyList<AgentEvent>> Observed { get; } = [];

    /// <summary>What turns failed of.</summary>
    public ConcurrentQueue<string> Failures { get; } = [];

    /// <summary>No recovery is open.</summary>
    public bool IsSettled { get; set; }

    /// <summary>It knows that the agent has promised something.</summary>
    public bool IsBound { get; set; }

    public Func<Task> OnObserve { get; set; } = () => Task.CompletedTask;

    /// <summary>What a mailbox of one of the probe's agents needs, with this coordinator.</summary>
    internal MailboxSetup MailboxOf(AgentCatalog agents, IJournal journal, TimeProvider? time = null, RecoveryPolicy? policy = null) => new(
        ProbeHost.Execution, ProbeHost.Agents, policy ?? RecoveryPolicy.Default, this, agents, journal, new AgentMemory(1), time ?? TimeProvider.System, NullLogger.Instance);

    public Task<AgentSituation> SituationAsync(AgentId agent, SequenceNumber journalled, CancellationToken cancellationToken) =>
        Task.FromResult(new AgentSituation(SequenceNumber.First, false, new AgentClass("probe"), true, []) { IsSettled = IsSettled, IsBound = IsBound });

    public Task ObserveAsync(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken)
    {
        Observed.Enqueue(records);
        return OnObserve();
    }

    public Task<IReadOnlyList<PendingMessage>> ResponsesAsync(AgentId agent, MessageId request, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<PendingMessage>>([]);

    public Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken) => Task.FromResult(true);

    public Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken) => Task.FromResult(false);

    public Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken) => Task.FromResult(true);

    public void Tell(ParticipantMessage message) => Heard.Enqueue(message);

    public Task FailedAsync(
        Interval suspect, Incarnation incarnation, FailureReason reason, string detail, string? evidence, CancellationToken cancellationToken)
    {
        Failures.Enqueue(detail);
        return Task.CompletedTask;
    }

    public void Stuck(AgentId agent, RecoveryError error)
    {
    }
}
