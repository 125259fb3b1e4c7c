using System.Text.Json;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Dependencies;

namespace OrleansRecovery.Draft.Tests.Histories;

/// <summary>An event of a history: C takes a checkpoint, S sends, R consumes, X acts.</summary>
internal sealed record HistoryEvent(string Kind, string Agent, string? Name)
{
    public override string ToString() => Name is null ? $"{Kind}({Agent})" : $"{Kind}({Agent},{Name})";
}

/// <summary>An interval by the names of the history.</summary>
internal readonly record struct NamedInterval(string Agent, long Number)
{
    public override string ToString() => $"{Agent}/{Number}";
}

/// <summary>A dependency by the names of the history.</summary>
internal readonly record struct NamedEdge(NamedInterval Producer, NamedInterval Consumer, string Message);

/// <summary>A worked history, and what the code makes of it.</summary>
internal sealed record WorkedHistory(string Id, string Title, IReadOnlyList<string> Agents, IReadOnlyList<HistoryEvent> Events, IReadOnlyList<NamedInterval> Suspects)
{
    /// <summary>All of them, by id.</summary>
    public static IReadOnlyList<WorkedHistory> All { get; } = [.. WorkedExamplesTests.Examples.Values.Select(Of)];

    public required IReadOnlyList<NamedEdge> Edges { get; init; }

    public required IReadOnlyList<NamedInterval> Targets { get; init; }

    public required IReadOnlyList<IReadOnlyList<string>> Order { get; init; }

    public required IReadOnlyList<string> Redelivered { get; init; }

    public required IReadOnlyList<string> Dead { get; init; }

    private static WorkedHistory Of(JsonElement example)
    {
        var (told, actions) = WorkedExamplesTests.Told.Of(example);
        var plan = told.World.Index.Plan(told.Suspects);
        var events = example.GetProperty("events").EnumerateArray()
            .Select(item => new HistoryEvent(item[0].GetString()!, item[1].GetString()!, item.GetArrayLength() > 2 ? item[2].GetString() : null)).ToList();
        return new WorkedHistory(
            example.GetProperty("id").GetString()!,
            example.GetProperty("title").GetString()!,
            [.. example.GetProperty("agents").EnumerateArray().Select(agent => agent.GetString()!)],
            events,
            [.. told.Suspects.Select(Named)])
        {
            Edges = [.. EdgesOf(events)],
            Targets = [.. plan.Targets.Select(target => Named(new Interval(target.Key, target.Value)))],
            Order = [.. CompensationOrder.Of(told.World.Traces(plan.Targets)).Layers().Select(IReadOnlyList<string> (layer) => [.. layer.Select(action => actions[action])])],
            Redelivered = [.. plan.Redelivered.Select(message => told.Messages[message]).Order(StringComparer.Ordinal)],
            Dead = [.. plan.Dead.Select(message => told.Messages[message]).Order(StringComparer.Ordinal)],
        };

        NamedInterval Named(Interval interval) => new(told.NameOf(interval.Agent), interval.Number.Number);
    }

    private static IEnumerable<NamedEdge> EdgesOf(List<HistoryEvent> events)
    {
        var current = events.Select(item => item.Agent).Distinct().ToDictionary(agent => agent, _ => 0L, StringComparer.Ordinal);
        var sent = new Dictionary<string, NamedInterval>(StringComparer.Ordinal);
        foreach (var item in events)
        {
            var here = new NamedInterval(item.Agent, current[item.Agent]);
            switch (item.Kind)
            {
                case "C":
                    current[item.Agent]++;
                    break;
                case "S":
                    sent[item.Name!] = here;
                    break;
                case "R":
                    yield return new NamedEdge(sent[item.Name!], here, item.Name!);
                    break;
            }
        }
    }
}
