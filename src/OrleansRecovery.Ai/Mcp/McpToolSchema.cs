using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol.Protocol;

namespace OrleansRecovery.Ai.Mcp;

/// <summary>What a server declares of a tool, as far as we hold it to it.</summary>
internal static class McpToolSchema
{
    private static readonly string[] Remarks = ["$schema", "$id", "$comment", "default", "examples", "format", "deprecated", "readOnly", "writeOnly"];

    /// <summary>SHA-256 of name, description, schema and annotations.</summary>
    internal static string DigestOf(Tool tool)
    {
        var annotations = tool.Annotations;
        var text = JsonSerializer.Serialize(new { tool.Name, tool.Description, Schema = tool.InputSchema.GetRawText(), annotations?.ReadOnlyHint, annotations?.IdempotentHint, annotations?.DestructiveHint });
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>The schema without remarks, which hold nothing to anything.</summary>
    internal static JsonElement WithoutRemarks(JsonElement schema) => JsonSerializer.SerializeToElement(Strip(schema));

    private static JsonNode? Strip(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return JsonNode.Parse(schema.GetRawText());
        }

        var kept = new JsonObject();
        foreach (var keyword in schema.EnumerateObject().Where(keyword => !Remarks.Contains(keyword.Name, StringComparer.Ordinal)))
        {
            kept[keyword.Name] = keyword.Name switch
            {
                "properties" when keyword.Value.ValueKind == JsonValueKind.Object =>
                    new JsonObject(keyword.Value.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, Strip(member.Value)))),
                "items" => Strip(keyword.Value),
                _ => JsonNode.Parse(keyword.Value.GetRawText()),
            };
        }

        return kept;
    }
}
