using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Tests.Messages;

namespace OrleansRecovery.Draft.Tests.Normative;

/// <summary>The JSON listings of a draft: what looks like a message is one, what looks like a recovery record is one.</summary>
internal static class DraftListings
{
    private static readonly SchemaValidator Schemas = SchemaValidator.Load();

    /// <summary>What is wrong, one finding a line.</summary>
    public static IReadOnlyList<string> Faults(string draft) => [.. Json(draft).Select(item => (item.Line, What: FaultOf(item.Text))).Where(item => item.What is not null).Select(item => $"line {item.Line}: {item.What}")];

    private static IEnumerable<(int Line, string Text)> Json(string draft)
    {
        var lines = draft.ReplaceLineEndings("\n").Split('\n');
        var (start, end) = (-1, "");
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (start < 0 && (line is "~~~ json" or "~~~json" or "```json" or "``` json"))
            {
                (start, end) = (i, line[..3]);
            }
            else if (start >= 0 && line == end)
            {
                yield return (start + 1, string.Join('\n', lines[(start + 1)..i]));
                start = -1;
            }
        }
    }

    private static string? FaultOf(string text)
    {
        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(text);
            root = document.RootElement.Clone();
        }
        catch (JsonException malformed)
        {
            return $"is not JSON: {malformed.Message}";
        }

        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("ver", out _))
        {
            return null; // a schema, a header, an example of something else
        }

        if (root.TryGetProperty("previous", out _))
        {
            return RecordFault(text);
        }

        return root.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && WireNames.TryParse<RecoveryMessageKind>(type.GetString(), out var kind)
            ? Schemas.Fault(WireNames.Of(kind), root)
                ?? (MessageCodec.TryRead(Encoding.UTF8.GetBytes(text), out _, out var error) ? null : error.Cause)
            : "has a version and no type of message";
    }

    private static string? RecordFault(string text) =>
        !LedgerCodec.TryRead(Encoding.UTF8.GetBytes(text), out var record, out var error) ? error.Cause
            : LedgerChain.HashOf(record) == record.Hash ? null
            : $"is a recovery record whose hash should be {LedgerChain.HashOf(record)}";
}
