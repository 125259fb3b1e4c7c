using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Json;

/// <summary>Reads what this product itself has stored: what cannot be read is damaged, or of a later build.</summary>
public static class StoredJson
{
    /// <summary>The stored record.</summary>
    /// <param name="body">UTF-8 JSON.</param>
    /// <param name="type">How it is read.</param>
    /// <param name="isWhole">Does the record say something?</param>
    /// <param name="what">Which record it is, as the beginning of a sentence.</param>
    /// <param name="impact">What follows when it cannot be read.</param>
    /// <exception cref="RecoveryException"><c>CorruptDatabase</c>.</exception>
    public static T Read<T>(ReadOnlySpan<byte> body, JsonTypeInfo<T> type, Func<T, bool> isWhole, string what, string impact)
        where T : class => ReadAs(body, type, isWhole, what, impact);

    /// <summary>As <see cref="Read"/>, where it is known which of several kinds of record it is.</summary>
    internal static T ReadAs<T>(ReadOnlySpan<byte> body, JsonTypeInfo type, Func<T, bool> isWhole, string what, string impact)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type) is T record && isWhole(record) ? record : throw new JsonException("it says nothing");
        }
        catch (Exception damaged) when (damaged is JsonException or NotSupportedException)
        {
            // NotSupportedException: a record without its kind.
            throw RecoveryException.Of(
                RecoveryErrorCode.CorruptDatabase,
                $"{what} cannot be read: {damaged.Message}",
                impact,
                "Restore the database from a backup, or open it with the version that wrote it.",
                damaged);
        }
    }
}
