using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansRecovery.Ai.Mcp;

/// <summary>Arguments of a compensation, with what the call said put in its places.</summary>
internal static class McpTemplate
{
    /// <summary>Fills it in.</summary>
    /// <exception cref="InvalidOperationException">It needs something that is not there, as the result of a call in doubt.</exception>
    internal static JsonNode? Fill(JsonElement template, IReadOnlyDictionary<string, JsonElement?> known) => template.ValueKind switch
    {
        JsonValueKind.Object => new JsonObject(template.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, Fill(member.Value, known)))),
        JsonValueKind.Array => new JsonArray([.. template.EnumerateArray().Select(item => Fill(item, known))]),
        JsonValueKind.String when template.GetString()!.StartsWith('$') => JsonNode.Parse(Find(template.GetString()!, known).GetRawText()),
        _ => JsonNode.Parse(template.GetRawText()),
    };

    private static JsonElement Find(string place, IReadOnlyDictionary<string, JsonElement?> known)
    {
        var parts = place.Split('/');
        if (!known.TryGetValue(parts[0], out var root) || root is not { } value)
        {
            throw new InvalidOperationException($"The compensation needs {place}, and there is none{(parts[0] == "$result" ? ": the call is in doubt" : "")}.");
        }

        foreach (var part in parts.Skip(1))
        {
            value = value.ValueKind == JsonValueKind.Object && value.TryGetProperty(part, out var inner) ? inner : throw new InvalidOperationException($"The compensation needs {place}, and the call did not say it.");
        }

        return value;
    }
}
