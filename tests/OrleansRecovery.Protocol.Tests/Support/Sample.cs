using System.Text.Json;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Support;

/// <summary>Short ways to say what tests say often.</summary>
internal static class Sample
{
    public static RecoveryId Recovery { get; } = RecoveryId.Parse("r1");

    public static IssuerId Operator { get; } = IssuerId.Parse("operator");

    public static TenantId Tenant { get; } = TenantId.Parse("t");

    public static ExecutionId Execution { get; } = ExecutionId.Parse("trip");

    public static ExecutionAddress Address { get; } = new(Tenant, Execution);

    public static AgentId A(string name) => AgentId.Parse(name);

    public static CheckpointNumber C(long number) => CheckpointNumber.Of(number);

    public static SequenceNumber S(long number) => SequenceNumber.Of(number);

    public static Interval I(string agent, long number) => new(A(agent), C(number));

    public static MessageId M(string sender, long sequence) => new(A(sender), S(sequence));

    public static ActionId Act(string agent, long sequence) => new(A(agent), S(sequence));

    public static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    public static FailureSignal Signal(Interval suspect, string id = "s1") => new(
        SignalId.Parse(id), Operator, Tenant, Execution, suspect, Incarnation.First, FailureReason.InvalidOutput, 10, 20);

    public static FailureSignal Signal(string agent, long interval, string id = "s1") => Signal(I(agent, interval), id);

    /// <summary>The message as it leaves a process.</summary>
    public static AddressedMessage Addressed(RecoveryMessage message) =>
        new(message is FailureSignal signal ? new ExecutionAddress(signal.Tenant, signal.Execution) : Address, message);

    public static Vote Ready(string agent, long target = 1, long plan = 1, UndoneTrace? trace = null, params Objection[] objections) => new(
        Recovery,
        Epoch.First,
        A(agent),
        plan,
        objections.Length > 0 ? VoteKind.Refused : VoteKind.Ready,
        Incarnation.First,
        C(target),
        trace ?? UndoneTrace.Empty,
        objections);

    public static Vote NotAffected(string agent, long plan = 1) => Ready(agent, 2, plan) with { Answer = VoteKind.NotAffected };

    public static Vote Busy(string agent, string holder, long plan = 1) =>
        Ready(agent, 2, plan) with { Answer = VoteKind.Busy, Holder = RecoveryId.Parse(holder) };

    public static UndoneTrace Actions(params UndoneAction[] actions) => new([], [], actions);

    public static UndoneAction Action(
        long sequence, ActionClass actionClass = ActionClass.Compensatable, ActionProgress progress = ActionProgress.Done, string name = "act") =>
        new(S(sequence), actionClass, progress, name);

    public static RecoveryOpening Opening(RecoveryPolicy? policy = null, params FailureSignal[] signals) =>
        new(Recovery, Execution, policy ?? RecoveryPolicy.Default, Epoch.First, signals.Length > 0 ? signals : [Signal("a", 1)]);

    /// <summary>An action that was begun and, unless it is in doubt, settled.</summary>
    public static ActionIntended Intent(ActionClass actionClass = ActionClass.Compensatable, bool hasCompensation = true, string name = "act") =>
        new(name, actionClass, Json("{}"), actionClass == ActionClass.Irrevocable, hasCompensation);
}
