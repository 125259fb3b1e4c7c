using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Tasks;

/// <summary>What retention may not forget of tasks that are open: what they have cost, and their keys.</summary>
public sealed class TaskRetentionTests
{
    private const long Deadline = 1_000;

    [Fact]
    public void What_an_open_task_has_cost_stays_when_its_records_are_collected()
    {
        var history = new AgentHistory(A("hotel"));
        var stored = Worker(history);
        var before = history.Tasks.Of(Task1);
        Assert.Equal(new Charge(2, 0, 150), before.Balance.Charged);

        var collected = history.CollectableBelow(history.Current, Deadline - 1)!;
        Add(history, stored, AgentEventJson.Read(AgentEventJson.Write(collected)));

        foreach (var read in new[] { history, AgentHistory.Read(A("hotel"), stored.FindAll(item => item.Position >= collected.From)) })
        {
            var account = read.Tasks.Of(Task1);
            Assert.Empty(account.Entries);
            Assert.Equal((before.Balance, Deadline), (account.Balance, account.Deadline));
            Assert.True(account.Balance.Balances);
        }
    }

    [Fact]
    public void What_is_carried_is_charged_against_the_budget_and_carried_again()
    {
        var history = new AgentHistory(A("hotel"));
        var stored = Worker(history);
        Add(history, stored, history.CollectableBelow(history.Current, 0)!);
        Turn(history, stored, new Charge(1, 0, 20), new Charge(1, 0, 10));
        Turns(history, stored);

        Add(history, stored, history.CollectableBelow(history.Current, 0)!);

        Assert.Equal(new Charge(3, 0, 160), history.Tasks.Of(Task1).Balance.Charged);
        var read = AgentHistory.Read(A("hotel"), stored.FindAll(item => item.Position >= history.CollectedFrom));
        Assert.Equal(history.Tasks.Of(Task1).Balance, read.Tasks.Of(Task1).Balance);
    }

    [Fact]
    public void A_task_whose_time_is_over_is_forgotten_with_its_records()
    {
        var history = new AgentHistory(A("hotel"));
        var stored = Worker(history);

        var collected = history.CollectableBelow(history.Current, Deadline)!;
        Add(history, stored, collected);

        Assert.Null(collected.Tasks);
        Assert.Empty(history.Tasks.Accounts);
        Assert.Empty(AgentHistory.Read(A("hotel"), stored.FindAll(item => item.Position >= collected.From)).Tasks.Accounts);
    }

    [Fact]
    public void A_key_stays_while_its_task_is_open()
    {
        var history = new AgentHistory(A("planner"));
        _ = Delegator(history, isJudged: false);

        Assert.True(Keeps(history, history.Current, Deadline - 1));
        Assert.False(Keeps(history, history.Current, Deadline));
    }

    [Fact]
    public void A_key_stays_until_the_interval_in_which_its_task_ended_may_be_collected_too()
    {
        var history = new AgentHistory(A("planner"));
        _ = Delegator(history, isJudged: true);
        var judged = C(history.Current.Number - 4);

        Assert.True(Keeps(history, judged, Deadline));
        Assert.False(Keeps(history, history.Current, 0));
    }

    [Fact]
    public void A_verdict_that_is_undone_ends_no_task()
    {
        var history = new AgentHistory(A("planner"));
        var stored = Delegator(history, isJudged: true);
        var judged = C(history.Current.Number - 4);

        Add(history, stored, new RolledBack(Recovery, judged, history.Incarnation.Next, history.Current.Next, [], 0));
        Turns(history, stored);

        Assert.True(Keeps(history, history.Current, Deadline - 1));
    }

    // What it would find under the key, were what may be collected not there.
    private static bool Keeps(AgentHistory history, CheckpointNumber line, long now) =>
        history.CollectableBelow(line, now) is not { } collected || history.SentWith("room") >= collected.From;

    private static readonly MessageId Task1 = M("planner", 1);

    // Two steps, one of them undone, and turns enough behind them for two copies of the state.
    private static List<(SequenceNumber Position, AgentEvent Record)> Worker(AgentHistory history)
    {
        var stored = Begin(history);
        Turn(history, stored, new Charge(1, 0, 100), new Charge(1, 0, 80));
        Turn(history, stored, new Charge(1, 0, 70), null);
        Add(history, stored, new RolledBack(Recovery, history.Current, history.Incarnation.Next, history.Current.Next, [], 0));
        Turns(history, stored);
        return stored;
    }

    private static List<(SequenceNumber Position, AgentEvent Record)> Delegator(AgentHistory history, bool isJudged)
    {
        var stored = Begin(history);
        var contract = Contracts.Good with { Key = "room", TimeBudgetMilliseconds = Deadline };
        var request = new TaskRequest(contract, Address, A("planner"), A("hotel"), "Booking", JsonElement.Parse("{}"), 0, 0, []);
        Turn(history, stored, () => Add(history, stored, new MessageSent(
            A("hotel"), TaskRequest.TypeName, TaskJson.Write(request), DependencyKind.Message, DependencyStrength.Required, null, true, "room")));
        var sent = history.SentWith("room")!.Value;
        Turns(history, stored);
        Turn(history, stored, () =>
        {
            if (isJudged)
            {
                Add(history, stored, new ActionIntended(Judgement.StepName, ActionClass.Pure, JsonElement.Parse($"{sent.Number}"), false, false));
                Add(history, stored, new ActionSettled(stored[^1].Position, true, JsonElement.Parse("""{"verdict":"pass","reasons":[]}""")));
            }
        });
        Turns(history, stored);
        return stored;
    }

    private static List<(SequenceNumber Position, AgentEvent Record)> Begin(AgentHistory history)
    {
        var stored = new List<(SequenceNumber Position, AgentEvent Record)>();
        Add(history, stored, new IntervalOpened(C(0), Incarnation.First, IntervalCause.Start, 0));
        Turns(history, stored);
        return stored;
    }

    private static void Turns(AgentHistory history, List<(SequenceNumber Position, AgentEvent Record)> stored)
    {
        for (var i = 0; i < 4; i++)
        {
            Turn(history, stored, () => { });
        }
    }

    private static void Turn(AgentHistory history, List<(SequenceNumber Position, AgentEvent Record)> stored, Charge reserved, Charge? spent) =>
        Turn(history, stored, () =>
        {
            Add(history, stored, new ActionIntended(
                "Booking", ActionClass.Pure, JsonElement.Parse("null"), false, false, new GateRecord(Task1, GateStep.Handler, default, 0, "1", Deadline: Deadline)));
            Add(history, stored, new ActionSettled(stored[^1].Position, true, JsonElement.Parse("null"), default(Charge)));
            Add(history, stored, new ActionIntended(
                "book", ActionClass.Compensatable, JsonElement.Parse("1"), false, true, new GateRecord(Task1, GateStep.Action, reserved, 0, "1")));
            if (spent is { } known)
            {
                Add(history, stored, new ActionSettled(stored[^1].Position, true, JsonElement.Parse("1"), known));
            }
        });

    private static void Turn(AgentHistory history, List<(SequenceNumber Position, AgentEvent Record)> stored, Action work)
    {
        Add(history, stored, new IntervalOpened(history.Current.Next, history.Incarnation, IntervalCause.Message, 0));
        Add(history, stored, new MessageConsumed(M("@outside", stored.Count), C(0), Incarnation.First, DependencyKind.Message, DependencyStrength.Required, true, null));
        work();
        Add(history, stored, new TurnEnded(new string('0', 64), true));
    }

    private static void Add(AgentHistory history, List<(SequenceNumber Position, AgentEvent Record)> stored, AgentEvent record)
    {
        stored.Add((history.Next, record));
        history.Apply(record);
    }
}
