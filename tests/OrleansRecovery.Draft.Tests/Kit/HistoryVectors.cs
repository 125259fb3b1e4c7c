using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Histories;
using static OrleansRecovery.Draft.Tests.Kit.VectorFile;

namespace OrleansRecovery.Draft.Tests.Kit;

/// <summary>Histories, suspects, and what falls.</summary>
internal static class HistoryVectors
{
    public static string Write() => VectorFile.Write(Nodes(WorkedHistory.All.Select(JsonNode (history) => new JsonObject
    {
        ["id"] = history.Id,
        ["title"] = history.Title,
        ["agents"] = List(history.Agents),
        ["events"] = Nodes(history.Events.Select(JsonNode (item) => List(item.Name is null ? [item.Kind, item.Agent] : new[] { item.Kind, item.Agent, item.Name }))),
        ["suspects"] = Intervals(history.Suspects),
        ["expect"] = new JsonObject
        {
            ["dependencies"] = Nodes(history.Edges.Select(JsonNode (edge) => new JsonObject
            {
                ["producer"] = Of(edge.Producer),
                ["consumer"] = Of(edge.Consumer),
                ["message"] = edge.Message,
            })),
            ["targets"] = Intervals(history.Targets),
            ["order"] = Nodes(history.Order.Select(JsonNode (layer) => List(layer))),
            ["redelivered"] = List(history.Redelivered),
            ["dead"] = List(history.Dead),
        },
    })));

    private static JsonArray Intervals(IEnumerable<NamedInterval> intervals) => Nodes(intervals.Select(JsonNode (interval) => Of(interval)));

    private static JsonObject Of(NamedInterval interval) => new() { ["agent"] = interval.Agent, ["number"] = interval.Number };
}
