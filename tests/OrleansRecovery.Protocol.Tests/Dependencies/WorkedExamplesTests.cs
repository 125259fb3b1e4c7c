using System.Text.Json;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

/// <summary>The histories of our own theory, worked out by hand and by its oracle.</summary>
public sealed class WorkedExamplesTests
{
    internal static IReadOnlyDictionary<string, JsonElement> Examples { get; } = Load();

    public static TheoryData<string> Ids => [.. Examples.Keys];

    [Fact]
    public void There_are_22_of_them() => Assert.Equal(22, Examples.Count);

    [Theory]
    [MemberData(nameof(Ids))]
    public void The_line_is_the_one_that_was_worked_out_by_hand(string id)
    {
        var (world, _) = Told.Of(Examples[id]);
        var expected = Examples[id].GetProperty("expect");

        var targets = world.World.Index.Reach(world.Suspects);

        Assert.Equal(Numbers(expected, "line"), world.World.Agents.ToDictionary(
            agent => world.NameOf(agent), agent => targets.GetValueOrDefault(agent, world.World.Top(agent)).Number));
        Assert.Equal(Numbers(expected, "volatile_index"), world.World.Agents.ToDictionary(
            agent => world.NameOf(agent), agent => world.World.Top(agent).Number));
        Assert.Equal(Texts(expected, "rolled_back"), targets.Keys.Select(world.NameOf).Order());
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Dead_messages_orphans_and_those_in_transit_are_told_apart(string id)
    {
        var (world, _) = Told.Of(Examples[id]);
        var expected = Examples[id].GetProperty("expect");

        var plan = world.World.Index.Plan(world.Suspects);

        Assert.Equal(Texts(expected, "dead_messages"), plan.Dead.Select(message => world.Messages[message]).Order());
        Assert.Equal(Texts(expected, "redeliver"), plan.Redelivered.Select(message => world.Messages[message]).Order());
        Assert.Equal(Texts(expected, "direct_orphans"), world.DirectOrphans().Select(message => world.Messages[message]).Order());
        Assert.Equal(plan.Targets.Sum(target => world.World.Index.Live(target.Key).Count(interval => interval.Number >= target.Value)), plan.IntervalCount);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Compensation_runs_in_the_rounds_that_were_worked_out_by_hand(string id)
    {
        var (world, actions) = Told.Of(Examples[id]);
        var expected = Examples[id].GetProperty("expect").GetProperty("compensation_layers");

        var order = CompensationOrder.Of(world.World.Traces(world.World.Index.Reach(world.Suspects)));

        Assert.Equal(
            expected.EnumerateArray().Select(layer => string.Join(' ', layer.EnumerateArray().Select(item => item.GetString()).Order())),
            order.Layers().Select(layer => string.Join(' ', layer.Select(action => actions[action]).Order())));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void What_was_in_transit_comes_back_and_what_is_dead_does_not(string id)
    {
        var (world, _) = Told.Of(Examples[id]);
        var expected = Examples[id].GetProperty("expect");
        var before = Pending(world);

        world.World.RollBack(world.World.Index.Reach(world.Suspects), Recovery);

        Assert.Equal(before.Except(Texts(expected, "dead_messages")).Concat(Texts(expected, "redeliver")).Order(), Pending(world).Order());
    }

    private static List<string> Pending(Told told) =>
        [.. told.World.Agents.SelectMany(told.World.Index.Pending).Select(message => told.Messages[message.Id])];

    private static Dictionary<string, long> Numbers(JsonElement expected, string name) =>
        expected.GetProperty(name).EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetInt64());

    private static IEnumerable<string> Texts(JsonElement expected, string name) =>
        expected.GetProperty(name).EnumerateArray().Select(item => item.GetString()!).Order();

    private static Dictionary<string, JsonElement> Load()
    {
        using var stream = typeof(WorkedExamplesTests).Assembly.GetManifestResourceStream("worked_examples.json")!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.EnumerateArray().ToDictionary(item => item.GetProperty("id").GetString()!, item => item.Clone());
    }

    /// <summary>A history as it is told: C takes a checkpoint, S sends, R consumes, X acts.</summary>
    internal sealed class Told
    {
        private readonly Dictionary<AgentId, string> _names = [];
        private readonly Dictionary<string, (MessageId Id, AgentId From, CheckpointNumber SentIn)> _sends = [];
        private readonly Dictionary<string, (AgentId To, CheckpointNumber ConsumedIn)> _receipts = [];

        private Told(World world) => World = world;

        public World World { get; }

        public Dictionary<MessageId, string> Messages { get; } = [];

        public List<Interval> Suspects { get; } = [];

        public static (Told History, Dictionary<ActionId, string> Actions) Of(JsonElement example)
        {
            var names = example.GetProperty("agents").EnumerateArray().Select(agent => agent.GetString()!).ToList();
            var told = new Told(new World(names.Select(Agent)));
            names.ForEach(name => told._names[Agent(name)] = name);
            var receivers = example.GetProperty("events").EnumerateArray().Where(item => item[0].GetString() == "R")
                .ToDictionary(item => item[2].GetString()!, item => Agent(item[1].GetString()!));
            var actions = new Dictionary<ActionId, string>();
            foreach (var item in example.GetProperty("events").EnumerateArray())
            {
                var agent = Agent(item[1].GetString()!);
                var subject = item.GetArrayLength() > 2 ? item[2].GetString()! : string.Empty;
                switch (item[0].GetString())
                {
                    case "C":
                        told.World.Open(agent);
                        break;
                    case "S":
                        told.Send(agent, receivers.GetValueOrDefault(subject, A("nobody")), subject);
                        break;
                    case "R":
                        told.World.Consume(agent, told._sends[subject].Id);
                        told._receipts[subject] = (agent, told.World.History(agent).Current);
                        break;
                    case "X":
                        var irrevocable = subject.EndsWith('!');
                        var intent = Intent(irrevocable ? ActionClass.Irrevocable : ActionClass.Compensatable, !irrevocable, subject);
                        actions[told.World.Act(agent, intent)] = subject;
                        break;
                    case var other:
                        throw new InvalidOperationException($"The history has an event '{other}'.");
                }
            }

            // Sound up to a checkpoint: suspect from the interval that it opens.
            told.Suspects.AddRange(example.GetProperty("failure").EnumerateObject()
                .Select(bound => new Interval(Agent(bound.Name), CheckpointNumber.Of(bound.Value.GetInt64()))));
            return (told, actions);
        }

        public string NameOf(AgentId agent) => _names[agent];

        /// <summary>Messages sent at or above the bounds and consumed below them.</summary>
        public IEnumerable<MessageId> DirectOrphans() =>
            from send in _sends
            join receipt in _receipts on send.Key equals receipt.Key
            where IsSuspect(send.Value.From, send.Value.SentIn) && !IsSuspect(receipt.Value.To, receipt.Value.ConsumedIn)
            select send.Value.Id;

        private bool IsSuspect(AgentId agent, CheckpointNumber number) =>
            Suspects.Exists(suspect => suspect.Agent == agent && number >= suspect.Number);

        private static AgentId Agent(string name) => AgentId.Parse(TermText.Normalize(name));

        private void Send(AgentId from, AgentId to, string name)
        {
            var id = World.Send(from, to);
            _sends[name] = (id, from, World.History(from).Current);
            Messages[id] = name;
        }
    }
}
