using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Support;

/// <summary>One choice of a random history: three numbers, so that a failing history shrinks to a short one of small numbers.</summary>
internal readonly record struct Choice(int Agent, int Op, int Pick);

/// <summary>Makes histories of choices. The same choices make the same history.</summary>
internal static class Storyteller
{
    private static readonly (int Below, Func<World, AgentId, int, bool> Do)[] Work =
    [
        (24, Send),
        (54, Consume),
        (70, Act),
        (82, Checkpoint),
        (87, Declare),
        (92, SendAdvice),
        (95, EndTurn),
    ];

    public static World Tell(int agentCount, IEnumerable<Choice> choices)
    {
        var world = new World(Enumerable.Range(0, agentCount).Select(i => AgentId.Parse($"a{i}")));
        var rollbacks = 0;
        foreach (var choice in choices)
        {
            var agent = Of(world, choice.Agent);
            if (Mod(choice.Op, 100) < 97)
            {
                DoWork(world, agent, choice);
            }
            else
            {
                var suspect = new Interval(agent, PickOf(world.History(agent).Live, choice.Pick).Number);
                world.RollBack(Oracle.Of(world).Reach([suspect]), RecoveryId.Parse($"old{rollbacks++}"));
            }
        }

        return world;
    }

    public static IEnumerable<Choice> Choices(Random random, int count)
    {
        for (var i = 0; i < count; i++)
        {
            yield return new Choice(random.Next(100), random.Next(100), random.Next(10_000));
        }
    }

    /// <summary>The agent works, unless there is nothing to do of the kind that was chosen.</summary>
    public static bool DoWork(World world, AgentId agent, Choice choice, Func<MessageEntry, bool>? mayConsume = null)
    {
        var op = Mod(choice.Op, 95);
        var work = Work.First(item => op < item.Below).Do;
        if (work == Consume)
        {
            return Consume(world, agent, choice.Pick, mayConsume ?? (_ => true));
        }

        return work(world, agent, Mod(choice.Pick, 10_000));
    }

    public static bool IsDeclare(Choice choice) => Work.First(item => Mod(choice.Op, 95) < item.Below).Do == Declare;

    public static AgentId Of(World world, int pick) => PickOf(world.Agents.ToList(), pick);

    public static T PickOf<T>(IReadOnlyList<T> items, int pick) => items[Mod(pick, items.Count)];

    private static int Mod(int number, int count) => ((number % count) + count) % count;

    private static bool Send(World world, AgentId agent, int pick)
    {
        world.Send(agent, Of(world, pick));
        return true;
    }

    private static bool SendAdvice(World world, AgentId agent, int pick)
    {
        world.Send(agent, Of(world, pick), DependencyStrength.Advisory);
        return true;
    }

    private static bool Consume(World world, AgentId agent, int pick) => Consume(world, agent, pick, _ => true);

    // Mostly with a restore point before, as the default rule says; sometimes without, as where the agent waits for a response.
    private static bool Consume(World world, AgentId agent, int pick, Func<MessageEntry, bool> mayConsume)
    {
        var pending = world.Index.Pending(agent).Where(mayConsume).ToList();
        if (pending.Count == 0)
        {
            return false;
        }

        if (Mod(pick, 5) > 0)
        {
            world.Open(agent, IntervalCause.Message);
        }

        world.Consume(agent, PickOf(pending, pick / 5).Id);
        return true;
    }

    private static bool Act(World world, AgentId agent, int pick)
    {
        var actionClass = (pick % 10) switch
        {
            0 => ActionClass.Pure,
            1 => ActionClass.Idempotent,
            2 => ActionClass.Irrevocable,
            _ => ActionClass.Compensatable,
        };
        var progress = (pick / 10 % 8) switch
        {
            0 => ActionProgress.InDoubt,
            1 => ActionProgress.Failed,
            _ => ActionProgress.Done,
        };
        world.Act(agent, Sample.Intent(actionClass, pick / 100 % 12 > 0), progress);
        return true;
    }

    private static bool Checkpoint(World world, AgentId agent, int pick)
    {
        world.Open(agent, IntervalCause.Checkpoint, pick);
        return true;
    }

    // Of an interval that is over: what is read while it goes on depends on more than the record says.
    private static bool Declare(World world, AgentId agent, int pick)
    {
        var producer = Of(world, pick);
        var over = world.History(producer).Live.SkipLast(1).ToList();
        if (over.Count == 0 || producer == agent)
        {
            return false;
        }

        world.Declare(
            agent,
            new Interval(producer, PickOf(over, pick / 10).Number),
            pick / 100 % 4 == 0 ? DependencyStrength.Advisory : DependencyStrength.Required);
        return true;
    }

    private static bool EndTurn(World world, AgentId agent, int pick)
    {
        world.Append(agent, new TurnEnded(new string('0', 64), pick % 2 == 0));
        return true;
    }
}
