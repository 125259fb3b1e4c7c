using System.Text.Json;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>Members of a record's body, where they are what they should be: bodies of other versions are read too.</summary>
internal static class LedgerBody
{
    /// <summary>A text; null where there is none.</summary>
    internal static string? Text(JsonElement body, string member) =>
        body.ValueKind == JsonValueKind.Object && body.TryGetProperty(member, out var value) ? Text(value) : null;

    /// <summary>The texts of a list; none where there is none.</summary>
    internal static IEnumerable<string> Texts(JsonElement body, string member) =>
        body.ValueKind == JsonValueKind.Object && body.TryGetProperty(member, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Select(Text).OfType<string>()
            : [];

    private static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null; // bytes that are no text: the ledger is damaged, which its verifier says, and here it names nobody
        }
    }
}
