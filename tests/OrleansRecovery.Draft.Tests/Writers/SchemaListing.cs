using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>Every schema without what only people read, first the one that the others share, then the messages in the order of the code.</summary>
internal static class SchemaListing
{
    private const string Introduction =
        """
        Each listing is a JSON Schema in the dialect https://json-schema.org/draft/2020-12/schema; its file name is the heading followed by
        ".schema.json", and references between listings use these names. Descriptions and identifiers of schemas are left out.


        """;

    private static readonly string[] LeftOut = ["$schema", "$id", "title", "description"];

    public static string Write()
    {
        var text = new StringBuilder(DraftText.Preface).Append(Introduction.ReplaceLineEndings("\n"));
        foreach (var name in WireNames.All<RecoveryMessageKind>().Prepend("common"))
        {
            var schema = JsonNode.Parse(Files.Read($"draft/schemas/{name}.schema.json"))!;
            Strip(schema, isSchema: true);
            using var stripped = JsonDocument.Parse(schema.ToJsonString());
            text.Append($"## {name} {{#schema-{name.Replace('_', '-')}}}\n\n");
            DraftText.AppendListing(text, "json", DraftText.Pretty(stripped.RootElement));
        }

        return text.ToString();
    }

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
                Strip(value, !(isSchema && name is "properties" or "$defs"));
            }
        }
    }
}
