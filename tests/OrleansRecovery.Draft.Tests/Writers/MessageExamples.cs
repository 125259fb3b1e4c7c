using System.Text;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>One message of each kind, as the codec writes it; each begins at the margin.</summary>
internal static class MessageExamples
{
    private static readonly RecoveryId Recovery = RecoveryId.Parse("019aa5d0-7c00-7c3e-9b1a-4f2d8e6a5b10");
    private static readonly Epoch Epoch = Epoch.Of(2);
    private static readonly AgentId Agent = A("flight");
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("example-travel"), ExecutionId.Parse("trip-4711"));

    public static string Write()
    {
        var text = new StringBuilder(DraftText.Preface);
        DraftText.AppendListing(text, "", Enum.GetValues<RecoveryMessageKind>().SelectMany(kind => DraftText.Broken(MessageCodec.Write(Addressed(kind)), 0)));
        return text.ToString();
    }

    /// <summary>The example of a kind, as it is sent.</summary>
    public static AddressedMessage Addressed(RecoveryMessageKind kind) => new(Execution, Of(kind));

    /// <summary>The example of a kind.</summary>
    public static RecoveryMessage Of(RecoveryMessageKind kind) => kind switch
    {
        RecoveryMessageKind.FailureSignal => new FailureSignal(
            SignalId.Parse("019aa5d0-7a10-7d52-8c07-1b9e3f60a244"),
            IssuerId.Parse("monitor"),
            Execution.Tenant,
            Execution.Execution,
            I("flight", 2),
            Incarnation.First,
            FailureReason.InvalidOutput,
            1_795_262_399_000,
            1_795_262_699_000,
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "The fare is in the wrong currency."),
        RecoveryMessageKind.Prepare => new Prepare(Recovery, Epoch, Agent, 3, [C(2)], [new InvalidatedRange(A("planner"), C(4))]),
        RecoveryMessageKind.Vote => new Vote(
            Recovery, Epoch, Agent, 3, VoteKind.Refused, Incarnation.First, C(2),
            new UndoneTrace(
                [new UndoneSend(S(19), A("hotel"))],
                [new UndoneReceipt(S(12), M("planner", 8))],
                [new UndoneAction(S(14), ActionClass.Compensatable, ActionProgress.Done, "reserve_seat"), new UndoneAction(S(16), ActionClass.Irrevocable, ActionProgress.InDoubt, "pay_fare")])
            {
                Reads = [new UndoneRead(S(13), I("prices", 5))],
                Intervals = [new UndoneInterval(C(2), S(11))],
            },
            [new Objection(RefusalReason.IrrevocableAction, Act("flight", 16))]),
        RecoveryMessageKind.Abort => new Abort(Recovery, Epoch, Agent, AbortReason.Refused),
        RecoveryMessageKind.Commit => new Commit(Recovery, Epoch, Agent, C(2)),
        RecoveryMessageKind.Compensate => new Compensate(Recovery, Epoch, Agent, 1, [S(14)]),
        RecoveryMessageKind.Compensated => new Compensated(Recovery, Epoch, Agent, S(14), 1, CompensationResult.Compensated, 2, "released at the second attempt"),
        RecoveryMessageKind.Restore => new Restore(Recovery, Epoch, Agent, [S(16)]),
        RecoveryMessageKind.Restored => new Restored(Recovery, Epoch, Agent, Incarnation.Of(1), C(3)),
        RecoveryMessageKind.Release => new Release(Recovery, Epoch, Agent, false, [new UndoneRange(A("planner"), C(4), C(6))]),
        RecoveryMessageKind.Outcome => new Outcome(
            Recovery, [new SignalName(IssuerId.Parse("monitor"), SignalId.Parse("019aa5d0-7a10-7d52-8c07-1b9e3f60a244"))], RecoveryResult.CompletedWithResidue,
            [new Residue(Agent, S(16), "pay_fare", ResidueReason.Irrevocable)]),
        RecoveryMessageKind.StatusQuery => new StatusQuery(Recovery, Epoch, Agent),
    };
}
