using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Writers;
using OrleansRecovery.Protocol.Tests.Support;
using OrleansRecovery.Protocol.Messages;

namespace OrleansRecovery.Draft.Tests.Kit;

/// <summary>A file of vectors: an array, or an object, in lines that people can read and compare.</summary>
internal static class VectorFile
{
    private const int ColumnsMax = 150;

    private static readonly JsonSerializerOptions Ascii = new() { Encoder = JavaScriptEncoder.Default };

    public static string Write(JsonNode vectors)
    {
        // Only ASCII, so that no editor and no tool changes what is behind the escapes.
        using var document = JsonDocument.Parse(vectors.ToJsonString(Ascii));
        return new StringBuilder().AppendJoin('\n', DraftText.Pretty(document.RootElement, ColumnsMax)).Append('\n').ToString();
    }

    public static JsonNode Json(RecoveryMessage message) => JsonNode.Parse(MessageCodec.Write(Sample.Addressed(message)))!;

    public static JsonArray List<T>(IEnumerable<T> items) => new([.. items.Select(item => (JsonNode?)JsonValue.Create(item))]);

    public static JsonArray Nodes(IEnumerable<JsonNode> items) => new([.. items]);
}
