using System.Text;
using OrleansRecovery.Draft.Tests.Writers;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Draft.Tests.Traces;

/// <summary>The recoveries that the draft shows.</summary>
internal static class TraceWriter
{
    private const long Noon = 1_795_262_400_000;
    private const int PartLines = 14;

    /// <summary>The first trace, at its end.</summary>
    public static Stage HappyStage()
    {
        var stage = Trip(RecoveryPolicy.Default);
        stage.Signal(About("flight", 1));
        stage.Run();
        stage.AssertEnded();
        Assert.Equal(CoordinatorPhase.Completed, stage.Recovery.Phase);
        return stage;
    }

    public static string HappyPath() =>
        Written(
            """
            The agent planner has sent a request to flight. The agent flight has consumed it in interval 1, reserved a seat (the action
            at position 3 of its journal), and sent the seat to hotel and a note to planner. The agent hotel has consumed the seat in
            interval 1 and reserved a room (position 3). The agent planner has not consumed the note. A monitor finds that the output
            of flight in interval 1 is wrong: flight and hotel fall, and planner must not consume the note.
            """,
            HappyStage().Lines);

    public static string RefusedVote()
    {
        var (forced, rejected) = (Paid(), Paid());
        forced.Rule(Ruling.Force, "refunded by hand");
        forced.Run();
        rejected.Rule(Ruling.Reject, "let it stand");
        rejected.Run();
        forced.AssertEnded();
        rejected.AssertEnded();
        Assert.Equal(CoordinatorPhase.CompletedWithResidue, forced.Recovery.Phase);
        Assert.Equal(CoordinatorPhase.Aborted, rejected.Recovery.Phase);
        var common = forced.Lines.Zip(rejected.Lines).TakeWhile(pair => pair.First == pair.Second).Count();
        return Written(
            """
            As before, but hotel has paid for the room: an irrevocable action. It refuses; policy has the recovery wait for an operator,
            who forces it. What could not be undone is named in the outcome.
            """,
            forced.Lines)
            + Written("Had the operator rejected the recovery instead, it would have ended after the same votes with nothing changed:", rejected.Lines.Skip(common), preface: "");

        static Stage Paid()
        {
            var stage = Trip(RecoveryPolicy.Default, ActionClass.Irrevocable);
            stage.Signal(About("flight", 1));
            stage.Run();
            Assert.Equal(CoordinatorPhase.Escalated, stage.Recovery.Phase);
            return stage;
        }
    }

    public static string CoordinatorCrash()
    {
        var stage = Trip(RecoveryPolicy.Default);
        stage.Signal(About("flight", 1));
        stage.Run(until => until.Recovery.Phase == CoordinatorPhase.Preparing && until.Recovery.Members.Values.Count(member => member.Vote is not null) == 1);
        stage.CrashCoordinator();
        stage.TakeOver();
        stage.Run(until => until.Recovery.Phase == CoordinatorPhase.Committed);
        stage.CrashCoordinator();
        stage.Silence("hotel");
        stage.LoseNext();
        stage.TakeOver();
        stage.Run();
        stage.AssertEnded();
        Assert.Equal(CoordinatorPhase.Completed, stage.Recovery.Phase);
        return Written(
            """
            The history is that of the first trace. The coordinator's process ends twice: before the decision, when one vote has arrived,
            and after the decision, before anybody has been told. Whoever takes over reads the log and raises the epoch. Votes that
            were lost are said again; the decision stands. In between, hotel asks and gets no answer, and does not decide alone.
            """,
            stage.Lines);
    }

    public static string NestedRecovery()
    {
        var stage = new Stage(RecoveryPolicy.Default, "planner", "flight", "hotel");
        var world = stage.World;
        var request = world.Send(A("planner"), A("flight"));
        world.Open(A("flight"));
        world.Consume(A("flight"), request);
        world.Act(A("flight"), Intent(name: "reserve_seat"));
        world.Open(A("flight"));
        world.Act(A("flight"), Intent(name: "reserve_meal"));
        var meal = world.Send(A("flight"), A("hotel"));
        world.Open(A("hotel"));
        world.Consume(A("hotel"), meal);
        world.Act(A("hotel"), Intent(name: "order_breakfast"));
        stage.Signal(About("flight", 2));
        stage.Run(until => until.Recovery.Phase == CoordinatorPhase.Compensating);
        stage.Signal(About("flight", 1, "s2"));
        stage.Run();
        stage.AssertEnded();
        Assert.Equal("r2", stage.Recovery.Recovery.Text);
        Assert.Equal(CoordinatorPhase.Completed, stage.Recovery.Phase);
        return Written(
            """
            The agent flight has reserved a seat in interval 1 (position 3 of its journal) and a meal in interval 2 (position 6), and told
            hotel of the meal, which ordered a breakfast (position 3). First interval 2 is found wrong. When that recovery has
            been decided, interval 1 is found wrong too: the second signal waits, and is a recovery of its own. What the first has
            compensated is not compensated again.
            """,
            stage.Lines);
    }

    public static string FalseSignal()
    {
        var stage = Trip(
            RecoveryPolicy.Default with { AgentCountMax = 1 },
            signals: SignalPolicy.Default with { Scopes = [SignalScope.Parse("monitor", "*")], QuotaPerMinute = 1, QuotaBurst = 3 });
        var stranger = About("flight", 1) with { Issuer = IssuerId.Parse("stranger") };
        stage.Signal(stranger);
        stage.Signal(About("flight", 1, "s2") with { DetectedAt = Noon - 7_200_000, ExpiresAt = Noon - 7_100_000 });
        var alarm = About("flight", 1, "s3");
        stage.Signal(alarm);
        stage.Run();
        Assert.Equal(CoordinatorPhase.Escalated, stage.Recovery.Phase);
        stage.Signal(alarm);
        stage.Signal(About("hotel", 1, "s4"));
        stage.Rule(Ruling.Reject, "the monitor was wrong");
        stage.Run();
        stage.AssertEnded();
        Assert.Equal(CoordinatorPhase.Aborted, stage.Recovery.Phase);
        return Written(
            """
            The history is that of the first trace. Only monitor may signal, three times at once, and more than one agent falls only with an
            operator's approval. Two signals are refused: one of a stranger and one that has expired. The third is admitted, and wrong:
            the set closes, and the recovery waits for approval. A copy of the signal and another one beyond the quota are refused.
            The operator rejects, and no agent's state, incarnation or inbox has changed.
            """,
            stage.Lines);
    }

    private static Stage Trip(RecoveryPolicy policy, ActionClass room = ActionClass.Compensatable, SignalPolicy? signals = null)
    {
        var stage = new Stage(policy, "planner", "flight", "hotel") { Signals = signals ?? SignalPolicy.Default };
        var world = stage.World;
        var request = world.Send(A("planner"), A("flight"));
        world.Open(A("flight"));
        world.Consume(A("flight"), request);
        world.Act(A("flight"), Intent(name: "reserve_seat"));
        var seat = world.Send(A("flight"), A("hotel"));
        world.Send(A("flight"), A("planner"));
        world.Open(A("hotel"));
        world.Consume(A("hotel"), seat);
        world.Act(A("hotel"), Intent(room, room == ActionClass.Compensatable, room == ActionClass.Compensatable ? "reserve_room" : "pay_room"));
        return stage;
    }

    private static FailureSignal About(string agent, long interval, string id = "s1") => new(
        SignalId.Parse(id), IssuerId.Parse("monitor"), Tenant, Execution, I(agent, interval), Incarnation.First, FailureReason.InvalidOutput, Noon - 1_000, Noon + 60_000);

    private static string Written(string situation, IEnumerable<string> lines, string? preface = null)
    {
        var text = new StringBuilder(preface ?? DraftText.Preface);
        text.Append(situation.ReplaceLineEndings("\n")).Append("\n\n");
        foreach (var part in Parts([.. lines]))
        {
            DraftText.AppendListing(text, "", part);
        }

        return text.ToString();
    }

    // A listing that is shorter than a page is not broken over pages: short ones leave less room empty. A part begins with a message or a heading.
    private static IEnumerable<IReadOnlyList<string>> Parts(IReadOnlyList<string> lines)
    {
        var part = new List<string>();
        foreach (var line in lines)
        {
            if (part.Count >= PartLines && !line.StartsWith("    ", StringComparison.Ordinal))
            {
                yield return part;
                part = [];
            }

            part.Add(line);
        }

        yield return part;
    }
}
