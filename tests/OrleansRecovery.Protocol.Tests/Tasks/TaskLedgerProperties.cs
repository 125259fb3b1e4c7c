using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Tasks;

/// <summary>Random journals of a worker with tasks, steps, crashes and rollbacks: the sums always balance, and every fold says the same.</summary>
public sealed class TaskLedgerProperties
{
    private const long Deadline = 1_000;

    private static readonly MessageId[] Tasks = [M("planner", 1), M("planner", 9)];

    [Fact]
    public void The_sums_of_every_task_balance_after_every_record() => Check(journal =>
    {
        var history = new AgentHistory(A("hotel"));
        foreach (var record in journal)
        {
            history.Apply(record);
            Assert.All(history.Tasks.Accounts.Values, account => Assert.True(account.Balance.Balances, $"{account.Balance}"));
        }
    });

    [Fact]
    public void A_crash_after_any_record_changes_no_sum() => Check(journal =>
    {
        var live = new AgentHistory(A("hotel"));
        for (var length = 1; length <= journal.Count; length++)
        {
            live.Apply(journal[length - 1]);
            var stored = journal.Take(length).Select((record, index) => (S(index), AgentEventJson.Read(AgentEventJson.Write(record)))).ToList();

            var loaded = AgentHistory.Read(A("hotel"), stored);

            Assert.Equal(Sums(live), Sums(loaded));
        }
    });

    [Fact]
    public void Each_sum_is_what_a_plain_count_of_the_journal_says() => Check(journal =>
    {
        var history = new AgentHistory(A("hotel"));
        journal.ForEach(history.Apply);

        foreach (var task in Tasks)
        {
            var (reserved, charged, refunded) = Count(journal, task);
            var balance = history.Tasks.Of(task).Balance;
            Assert.Equal((reserved, charged, refunded), (balance.Reserved, balance.Charged, balance.Refunded));
        }
    });

    [Fact]
    public void Nothing_is_held_or_spent_of_work_that_is_undone() => Check(journal =>
    {
        var history = new AgentHistory(A("hotel"));
        journal.ForEach(history.Apply);

        Assert.All(
            history.Tasks.Accounts.Values.SelectMany(account => account.Entries),
            entry => Assert.Equal(history.IsLive(entry.Position!.Value), entry.Fate is ChargeFate.Held or ChargeFate.Spent));
    });

    [Fact]
    public void What_retention_leaves_says_the_same_of_every_open_task() => Check(journal =>
    {
        var live = new AgentHistory(A("hotel"));
        journal.ForEach(live.Apply);
        var before = Sums(live).ToList();
        foreach (var interval in live.Live.ToList()) // one collection after another, each with what the one before carried
        {
            var collected = new Collected(interval.Number, interval.OpenedAt, live.Tasks.CarriedBefore(interval.OpenedAt, now: Deadline - 1));
            journal.Add(AgentEventJson.Read(AgentEventJson.Write(collected)));
            live.Apply(journal[^1]);
            var left = journal.Select((record, index) => (Position: S(index), Record: record)).Where(item => item.Position >= interval.OpenedAt).ToList();

            Assert.Equal(before, Sums(live));
            Assert.Equal(before, Sums(AgentHistory.Read(A("hotel"), left)));
        }
    });

    private static void Check(Action<List<AgentEvent>> property) =>
        FsCheck.Fluent.Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => property(Journal(new Random(seed)))).QuickCheckThrowOnFailure();

    private static IEnumerable<(MessageId, TaskBalance)> Sums(AgentHistory history) =>
        history.Tasks.Accounts.OrderBy(account => account.Key.Sequence).Select(account => (account.Key, account.Value.Balance));

    // The twin: no account, no fates; it looks at the whole journal for each step.
    private static (Charge Reserved, Charge Charged, Charge Refunded) Count(List<AgentEvent> journal, MessageId task)
    {
        Charge reserved = default, charged = default, refunded = default;
        foreach (var (index, record) in journal.Index())
        {
            if (record is not ActionIntended { Gate: { Refusal: null } gate } || gate.Task != task)
            {
                continue;
            }

            var amount = journal.OfType<ActionSettled>().FirstOrDefault(settled => settled.Action == S(index))?.Spent ?? gate.Charge;
            var isUndone = journal.Skip(index).OfType<RolledBack>().Any(back => journal.FindIndex(opened => opened is IntervalOpened { Number: var number } && number == back.Target
                || opened is RolledBack { Opens: var opens } && opens == back.Target) is var from && from >= 0 && from <= index);
            var isCompensated = journal.OfType<CompensationSettled>().Any(settled => settled.Action == S(index) && settled.Result == CompensationResult.Compensated);
            reserved += gate.Charge;
            var givenBack = isUndone && isCompensated && gate.IsRefundable ? new Charge(0, 0, amount.Cost) : default;
            refunded += givenBack;
            charged += amount - givenBack;
        }

        return (reserved, charged, refunded);
    }

    private static List<AgentEvent> Journal(Random random)
    {
        var journal = new List<AgentEvent> { new IntervalOpened(C(0), Incarnation.First, IntervalCause.Start, 0) };
        var history = new AgentHistory(A("hotel"));
        history.Apply(journal[0]);
        for (var i = 0; i < 40; i++)
        {
            var inDoubt = history.Live.SelectMany(interval => interval.Actions).Where(action => action.Progress == ActionProgress.InDoubt).ToList();
            var round = random.Next(10);
            if (round < 2)
            {
                Add(new IntervalOpened(history.Current.Next, history.Incarnation, IntervalCause.Checkpoint, i));
            }
            else if (round < 6)
            {
                GateRefusal? refusal = random.Next(6) == 0 ? GateRefusal.NotAllowed : null;
                var charge = refusal is null ? new Charge(1, random.Next(100), random.Next(100)) : default;
                var gate = new GateRecord(Tasks[random.Next(2)], GateStep.Action, charge, i, "1", random.Next(2) == 0, refusal, refusal is null ? Deadline : null);
                Add(new ActionIntended("book", ActionClass.Compensatable, JsonElement.Parse("1"), false, true, gate));
            }
            else if (round < 9 && inDoubt.Count > 0)
            {
                var spent = new Charge(1, random.Next(150), random.Next(150)); // also above what was charged
                Add(new ActionSettled(inDoubt[random.Next(inDoubt.Count)].Position, random.Next(4) > 0, JsonElement.Parse("1"), spent));
            }
            else if (round == 9)
            {
                RollBack(history.Live[random.Next(history.Live.Count)].Number);
            }
        }

        return journal;

        void Add(AgentEvent record)
        {
            journal.Add(record);
            history.Apply(record);
        }

        void RollBack(CheckpointNumber target)
        {
            foreach (var action in history.Live.Where(interval => interval.Number >= target).SelectMany(interval => interval.Actions).ToList())
            {
                if (random.Next(3) > 0)
                {
                    Add(new CompensationSettled(Recovery, action.Position, random.Next(3) > 0 ? CompensationResult.Compensated : CompensationResult.Failed, 1));
                }
            }

            Add(new RolledBack(Recovery, target, history.Incarnation.Next, history.Current.Next, [], 0));
        }
    }
}
