using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;
using Interval = OrleansRecovery.Protocol.Terms.Interval;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

/// <summary>The rollback set against its definition: of all lines that are consistent and leave the suspect out, the largest (recovery model, section 2).</summary>
public sealed class RollbackSetProperties
{
    [Fact]
    public void Of_all_lines_it_is_the_one_largest_that_is_consistent_and_leaves_the_suspect_out()
    {
        var spread = 0;
        Check(3_000, 120, (numbers, agentCount) =>
        {
            var world = Storyteller.Tell(Math.Min(agentCount, 3), ChoicesOf(numbers).Take(14));
            var edges = Oracle.Of(world).Dependencies().ToList();
            foreach (var suspect in Live(world))
            {
                var lines = Lines(world).Where(line => IsUndone(line, suspect) && edges.TrueForAll(edge => !IsUndone(line, edge.From) || IsUndone(line, edge.To))).ToList();
                var largest = world.Agents.ToDictionary(agent => agent, agent => lines.Max(line => line[agent]));
                Assert.Contains(lines, line => line.All(item => item.Value == largest[item.Key]));
                var reached = world.Index.Reach([suspect]);
                Assert.Equal(largest, world.Agents.ToDictionary(agent => agent, agent => reached.TryGetValue(agent, out var target) ? target : world.Top(agent)));
                spread += reached.Count > 1 ? 1 : 0;
            }
        });
        Assert.True(spread > 1_000, $"Only {spread} failures took another agent with them: too few to show anything.");
    }

    [Fact]
    public void The_index_that_grew_the_one_that_was_read_again_and_the_layout_agree_with_the_plain_fixpoint() =>
        Check(1_000, 300, (numbers, agentCount) =>
        {
            var world = Storyteller.Tell(agentCount, ChoicesOf(numbers));
            var oracle = Oracle.Of(world);
            var layout = ExecutionLayout.Of(world.Index);
            var read = ExecutionIndex.Of([.. world.Agents.Select(agent => new StoredJournal(
                agent, [.. world.Journal(agent).Select((record, i) => (SequenceNumber.Of(i), record))], world.Journal(agent).Count))]);
            var suspects = Live(world).ToList();
            foreach (var pair in suspects.Zip(suspects.Skip(suspects.Count / 2)).Select(pair => new[] { pair.First, pair.Second }).Take(20))
            {
                var expected = oracle.Reach(pair);
                Assert.Equal(expected, world.Index.Reach(pair));
                Assert.Equal(expected, read.Reach(pair));
                Assert.Equal(expected, new SortedDictionary<AgentId, CheckpointNumber>(layout.Reach(pair).ToDictionary()));
            }
        });

    [Fact]
    public void After_the_rollback_nothing_depends_on_what_was_undone_and_every_inbox_holds_what_is_sent_and_not_consumed() =>
        Check(500, 300, (numbers, agentCount) =>
        {
            var world = Storyteller.Tell(agentCount, ChoicesOf(numbers));
            var suspect = Storyteller.PickOf(Live(world).ToList(), numbers.Length);
            world.RollBack(world.Index.Reach([suspect]), Sample.Recovery);
            var oracle = Oracle.Of(world);
            Assert.Empty(oracle.Orphans());
            Assert.All(world.Agents, agent => Assert.Equal(
                oracle.Pending(agent).Select(message => $"{message}").Order(StringComparer.Ordinal),
                world.Index.Pending(agent).Select(message => $"{message.Id}").Order(StringComparer.Ordinal)));
        });

    private static void Check(int count, int size, Action<int[], int> property) =>
        Prop.ForAll(Arb.From(Gen.ArrayOf(Gen.Choose(0, 9_999)), ArbMap.Default.ArbFor<int[]>().Shrinker), Gen.Choose(2, 6).ToArbitrary(), property)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(count).WithEndSize(size));

    private static IEnumerable<Choice> ChoicesOf(int[] numbers) =>
        numbers.Chunk(3).Where(chunk => chunk.Length == 3).Select(chunk => new Choice(chunk[0], chunk[1], chunk[2]));

    private static IEnumerable<Interval> Live(World world) =>
        world.Agents.SelectMany(agent => world.Index.Live(agent).Select(interval => new Interval(agent, interval.Number)));

    private static bool IsUndone(Dictionary<AgentId, CheckpointNumber> line, Interval interval) => interval.Number >= line[interval.Agent];

    // Every line: for each agent one of its checkpoints, or that nothing falls.
    private static List<Dictionary<AgentId, CheckpointNumber>> Lines(World world)
    {
        List<Dictionary<AgentId, CheckpointNumber>> lines = [[]];
        foreach (var agent in world.Agents)
        {
            var targets = world.Index.Live(agent).Select(interval => interval.Number).Append(world.Top(agent)).ToList();
            lines = [.. lines.SelectMany(line => targets.Select(target => new Dictionary<AgentId, CheckpointNumber>(line) { [agent] = target }))];
        }

        return lines;
    }
}
