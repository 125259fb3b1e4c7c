using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;
using static OrleansRecovery.Draft.Tests.Kit.VectorFile;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Draft.Tests.Kit;

/// <summary>
/// Sequences of inputs to one participant, with what it does. They are found by a search through all states that the inputs reach: for every row, phase
/// after it and kind of answer that the search meets, the shortest sequence that ends so.
/// </summary>
internal static class ParticipantVectors
{
    /// <summary>No longer sequence is looked for.</summary>
    public const int LengthMax = 6;

    private static readonly AgentId Agent = A("hotel");

    public static string Write() => VectorFile.Write(new JsonObject
    {
        ["agent"] = Agent.Text,
        ["journal"] = Nodes(Journal().Select((record, i) => Entry(record, i)).OfType<JsonNode>()),
        ["sequences"] = Nodes(Found.Select(JsonNode (last, i) => Sequence(last, i + 1))),
    });

    /// <summary>The last moments of the sequences, in the order of the rows of the table.</summary>
    public static IReadOnlyList<Moment> Found { get; } = Find();

    private static List<Moment> Find()
    {
        var start = new Moment(null, null, ParticipantState.Initial(Agent).Folded(Journal()), [.. Journal()], [], null);
        var known = new HashSet<string>(StringComparer.Ordinal) { start.Key };
        var found = new Dictionary<string, Moment>(StringComparer.Ordinal);
        var front = new List<Moment> { start };
        for (var length = 1; length <= LengthMax && front.Count > 0; length++)
        {
            var next = new List<Moment>();
            foreach (var after in front.SelectMany(moment => ParticipantInputs.Of(moment).Select(input => moment.Then(input))))
            {
                found.TryAdd(after.Signature, after);
                if (known.Add(after.Key))
                {
                    next.Add(after);
                }
            }

            front = next;
        }

        // What another sequence passes through needs none of its own.
        var passed = found.Values.SelectMany(moment => moment.Before.Skip(1)).Select(moment => moment.Path).ToHashSet(StringComparer.Ordinal);
        return [.. found.Values.Where(moment => !passed.Contains(moment.Path)).OrderBy(moment => moment.Row, StringComparer.Ordinal).ThenBy(moment => moment.Signature, StringComparer.Ordinal)];
    }

    // In interval 1 it consumed a message of flight and did what nothing undoes; in interval 2 one of planner, and did what can be undone.
    private static List<AgentEvent> Journal()
    {
        var world = new World([A("flight"), A("planner"), Agent, A("billing")]);
        world.Open(A("flight"));
        var seat = world.Send(A("flight"), Agent);
        world.Open(A("planner"));
        var wish = world.Send(A("planner"), Agent);
        world.Open(Agent);
        world.Consume(Agent, seat);
        world.Act(Agent, Intent(ActionClass.Irrevocable, hasCompensation: false, name: "send_letter"));
        world.Open(Agent);
        world.Consume(Agent, wish);
        world.Act(Agent, Intent(name: "reserve_room"));
        world.Send(Agent, A("billing"));
        return [.. world.Journal(Agent)];
    }

    private static ParticipantState Folded(this ParticipantState state, IEnumerable<AgentEvent> records) =>
        records.Aggregate(state, (before, record) => before.After(record));

    private static JsonObject? Entry(AgentEvent record, int sequence) => record switch
    {
        IntervalOpened opened => new() { ["sequence"] = sequence, ["opens"] = opened.Number.Number },
        MessageConsumed consumed => new()
        {
            ["sequence"] = sequence,
            ["consumes"] = new JsonObject { ["sender"] = consumed.Message.Sender.Text, ["sequence"] = consumed.Message.Sequence.Number },
            ["sent_in"] = consumed.SentIn.Number,
        },
        MessageSent sent => new() { ["sequence"] = sequence, ["sends_to"] = sent.To.Text },
        ActionIntended intended => new()
        {
            ["sequence"] = sequence,
            ["acts"] = intended.Name,
            ["class"] = JsonNamingPolicy.SnakeCaseLower.ConvertName($"{intended.Class}"),
            ["has_compensation"] = intended.HasCompensation,
        },
        ActionSettled settled => new() { ["sequence"] = sequence, ["settles"] = settled.Action.Number, ["succeeded"] = settled.Succeeded },
        _ => throw new InvalidOperationException($"The journal begins with a {record.Kind}."),
    };

    private static JsonObject Sequence(Moment last, int number) => new()
    {
        ["id"] = $"P-{number:000}",
        ["ends_with"] = $"{last.Row} {last.State.Phase}",
        ["steps"] = Nodes(last.Before.Skip(1).Append(last).Select(JsonNode (moment) => moment.ToJson())),
    };
}
