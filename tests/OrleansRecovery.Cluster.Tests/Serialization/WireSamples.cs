using System.Text.Json;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Orleans.Streaming;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Cluster.Tests.Serialization;

/// <summary>One value of every kind that crosses grains or lies in grain storage.</summary>
internal static class WireSamples
{
    private static readonly Interval Interval = new(AgentId.Parse("a"), CheckpointNumber.Of(3));
    private static readonly MessageId Message = new(AgentId.Parse("a"), SequenceNumber.Of(7));
    private static readonly RecoveryId Recovery = RecoveryId.Parse("r-1");
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("t"), ExecutionId.Parse("e"));

    internal static IReadOnlyDictionary<string, object> All { get; } = new SortedDictionary<string, object>(StringComparer.Ordinal)
    {
        ["segment"] = new JournalSegment
        {
            First = 64,
            Records = [new SegmentRecord { Body = "{}"u8.ToArray() }, new SegmentRecord { Digest = "d1" }, new SegmentRecord()],
            Snapshots = [new SegmentSnapshot { Position = 65, Digest = "d2" }],
        },
        ["hint"] = new StreamHint { Segment = 2 },
        ["blob"] = new JournalBlob { Body = "state"u8.ToArray() },
        ["notice"] = RecoveryNotice.Of(Progress),
        ["json-commit"] = Json<ParticipantMessage>(new Commit(Recovery, Epoch.Of(2), AgentId.Parse("a"), CheckpointNumber.Of(3))),
        ["json-start"] = Json(new ExecutionStart(
            Execution, [new AgentAssignment(AgentId.Parse("a"), new AgentClass("probe"), new AgentClass("fallback"))], RecoveryPolicy.Default)),
        ["json-observed"] = Json(new ObservedRecords(
            AgentId.Parse("a"), SequenceNumber.Of(1), [new IntervalOpened(CheckpointNumber.Of(1), Incarnation.First, IntervalCause.Message, 1_700_000_000_000)])),
        ["json-failed"] = Json(new FailedTurn(Interval, Incarnation.First, FailureReason.InvalidOutput, "wrong")),
        ["json-outside"] = Json(new OutsideMessage(AgentId.Parse("a"), "Order", JsonSerializer.SerializeToElement(1))),
        ["json-ruling"] = Json(new OperatorRuling(Recovery, OperatorDecision.Force, IssuerId.Parse("o"), "because")),
        ["json-signal"] = Json(new FailureSignal(
            SignalId.Parse("s"), IssuerId.Parse("i"), TenantId.Parse("t"), ExecutionId.Parse("e"), Interval, Incarnation.First, FailureReason.InvalidOutput, 1, 2)),
        ["json-interval"] = Json(Interval),
        ["json-message-id"] = Json(Message),
        ["json-error"] = Json(new RecoveryError(RecoveryErrorCode.StaleWriter, "cause", "impact", "next")),
        ["json-records"] = Json<IReadOnlyList<AgentEvent>>([new TurnEnded(new string('0', 64), false)]),
        ["reply-length"] = Reply<SequenceNumber?>(SequenceNumber.Of(4)),
        ["reply-inbox"] = Reply(new ForeignInbox(
            SequenceNumber.Of(4),
            false,
            [new IncomingMessage(
                Message, CheckpointNumber.Of(3), Incarnation.First, "Order", JsonSerializer.SerializeToElement(1), DependencyKind.Message, DependencyStrength.Required, null, true)])),
        ["reply-names"] = Reply<IReadOnlyList<string>>(["e"]),
        ["reply-nothing"] = Reply(Nothing.Value),
        ["reply-error"] = new Reply<bool>(null, Json(new RecoveryError(RecoveryErrorCode.UnknownAgent, "cause", "impact", "next")).Body),
        ["reply-situation"] = Reply(new AgentSituation(
            SequenceNumber.Of(4), false, new AgentClass("probe"), true, [new PendingMessage(Message, CheckpointNumber.Of(3), Incarnation.First)])),
        ["reply-receipt"] = Reply(new SignalReceipt(SignalId.Parse("s"), Recovery)),
        ["reply-status"] = Reply(new ExecutionStatus(
            Execution,
            Protocol.Execution.ExecutionPhase.Recovering,
            [new AgentStatus(AgentId.Parse("a"), "probe", Incarnation.First, CheckpointNumber.Of(3), 1)],
            [new RecoveryStatus(
                Recovery, CoordinatorPhase.Escalated, [Interval], new Dictionary<AgentId, CheckpointNumber> { [AgentId.Parse("a")] = CheckpointNumber.Of(2) },
                1, 2, [], EscalationReason.Refused)],
            1)),
        ["reply-progress"] = Reply(Progress),
        ["reply-collected"] = Reply<Collected?>(null),
    };

    private static ExecutionProgress Progress => new(
        SequenceNumber.Of(12), [new RecoveryProgress(Recovery, CoordinatorPhase.Compensating, 1, 2, "a: charge")]);

    private static Json<T> Json<T>(T value) => WireJson.Of(value);

    private static Reply<T> Reply<T>(T value) => new(JsonSerializer.SerializeToUtf8Bytes(value, WireJson.Options), null);
}
