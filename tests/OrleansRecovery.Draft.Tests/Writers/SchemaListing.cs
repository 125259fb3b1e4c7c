using System.Text;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>
/// Every schema as one document without what only people read. What all messages have, and what all between coordinator and participant have, stands once;
/// a definition that says what an earlier one says refers to it.
/// </summary>
internal static class SchemaListing
{
    private const string Introduction =
        """
        This is one JSON Schema in the dialect https://json-schema.org/draft/2020-12/schema; a message is valid if it is valid against the
        definition with the name of its type. Descriptions are left out.


        """;

    private const string Common = "common";
    private const string Message = "message";
    private const string Request = "request";
    private const string Definitions = "$defs";
    private const string Properties = "properties";
    private const string Required = "required";

    private static readonly string[] LeftOut = ["$schema", "$id", "title", "description"];
    private static readonly string[] OfMessages = ["ver", "tenant", "execution", "crit"];
    private static readonly string[] OfRequests = ["recovery", "epoch", "agent"];

    public static string Write()
    {
        var text = new StringBuilder(DraftText.Preface).Append(Introduction.ReplaceLineEndings("\n"));
        var definitions = Document();
        var lines = new List<string> { $"{{\"{Definitions}\":{{" };
        foreach (var (i, (name, schema)) in definitions.Index())
        {
            var json = $"\"{name}\":{Utf8Text(schema!)}{(i < definitions.Count - 1 ? "," : "}}")}";
            lines.AddRange(DraftText.Broken(Encoding.UTF8.GetBytes(json), 0).Select((line, k) => k == 0 ? line.TrimStart() : line));
        }

        DraftText.AppendListing(text, "json", lines);
        return text.ToString();
    }

    /// <summary>All definitions by name: those that the schemas share, and one for each message.</summary>
    public static JsonObject Document()
    {
        var definitions = new JsonObject();
        foreach (var (name, schema) in Read(Common)[Definitions]!.AsObject())
        {
            var twin = definitions.FirstOrDefault(other => JsonNode.DeepEquals(other.Value, schema)).Key;
            definitions[name] = twin is null ? Pointed(schema!) : Reference(twin);
        }

        var messages = WireNames.All<RecoveryMessageKind>().ToDictionary(name => name, Read, StringComparer.Ordinal);
        var all = messages.Values.Select(schema => schema[Properties]!.AsObject()).ToList();
        var shared = OfMessages.Where(name => all.TrueForAll(message => message.ContainsKey(name))).ToList();
        definitions[Message] = Part(all, shared, null);
        definitions[Request] = Part(all.FindAll(IsRequest), OfRequests, Message);
        foreach (var (name, schema) in messages)
        {
            Assert.False(definitions.ContainsKey(name), $"{name} is defined twice.");
            Assert.Empty(schema.Select(item => item.Key).Except([Properties, Required, "type"], StringComparer.Ordinal));
            var properties = schema[Properties]!.AsObject();
            var above = IsRequest(properties) ? [.. shared, .. OfRequests] : shared;
            definitions[name] = new JsonObject
            {
                ["allOf"] = new JsonArray(Reference(IsRequest(properties) ? Request : Message)),
                [Properties] = Pointed(new JsonObject(properties.Where(item => !above.Contains(item.Key)).Select(Copy))),
                [Required] = new JsonArray([.. schema[Required]!.AsArray().Where(item => !above.Contains(item!.GetValue<string>())).Select(item => item!.DeepClone())]),
            };
        }

        return definitions;
    }

    // What these messages have in common: the same in each; all but "crit" is mandatory.
    private static JsonObject Part(List<JsonObject> messages, IReadOnlyList<string> names, string? above)
    {
        foreach (var name in names)
        {
            Assert.All(messages, message => Assert.True(JsonNode.DeepEquals(messages[0][name], message[name]), name));
        }

        var part = above is null ? new JsonObject { ["type"] = "object" } : new JsonObject { ["allOf"] = new JsonArray(Reference(above)) };
        part[Properties] = Pointed(new JsonObject(names.Select(name => KeyValuePair.Create(name, messages[0][name]?.DeepClone()))));
        part[Required] = new JsonArray([.. names.Where(name => name != "crit").Select(name => (JsonNode?)name)]);
        return part;
    }

    private static bool IsRequest(JsonObject properties) => OfRequests.All(properties.ContainsKey);

    private static JsonObject Read(string name)
    {
        var schema = JsonNode.Parse(Files.Read($"draft/schemas/{name}.schema.json"))!.AsObject();
        Strip(schema, isSchema: true);
        return schema;
    }

    private static KeyValuePair<string, JsonNode?> Copy(KeyValuePair<string, JsonNode?> item) => new(item.Key, item.Value?.DeepClone());

    private static JsonObject Reference(string name) => new() { ["$ref"] = $"#/{Definitions}/{name}" };

    // References within the one document.
    private static JsonNode Pointed(JsonNode schema) => JsonNode.Parse(Utf8Text(schema).Replace($"{Common}.schema.json#", "#", StringComparison.Ordinal))!;

    private static string Utf8Text(JsonNode node) =>
        node.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    // What stands directly in "properties" or "$defs" is named by the protocol, and may be called "description" too.
    private static void Strip(JsonNode? node, bool isSchema)
    {
        if (node is JsonArray list)
        {
            foreach (var item in list)
            {
                Strip(item, isSchema: true);
            }
        }
        else if (node is JsonObject members)
        {
            foreach (var name in isSchema ? LeftOut : [])
            {
                members.Remove(name);
            }

            foreach (var (name, value) in members)
            {
                Strip(value, !(isSchema && name is Properties or Definitions));
            }
        }
    }
}
