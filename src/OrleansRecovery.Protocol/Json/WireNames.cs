using System.Collections.Frozen;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Json;

/// <summary>The names of enum values on the wire, in the ledger and in schemas: snake_case, exact, never a number.</summary>
public static class WireNames
{
    /// <summary>The name of a value, for example <c>not_affected</c>.</summary>
    /// <exception cref="UnreachableException">The enum has no such value: the program is wrong.</exception>
    public static string Of<T>(T value)
        where T : struct, Enum =>
        Names<T>.ByValue.TryGetValue(value, out var name) ? name : throw new UnreachableException($"{typeof(T).Name} has no value {value}.");

    /// <summary>The value with this name. Names are compared exactly, by case too.</summary>
    public static bool TryParse<T>(string? name, out T value)
        where T : struct, Enum
    {
        value = default;
        return name is not null && Names<T>.ByName.TryGetValue(name, out value);
    }

    /// <summary>Every name, in the order of the values.</summary>
    public static IReadOnlyList<string> All<T>()
        where T : struct, Enum =>
        [.. Enum.GetValues<T>().Select(Of)];

    private static class Names<T>
        where T : struct, Enum
    {
        public static readonly FrozenDictionary<T, string> ByValue =
            Enum.GetValues<T>().ToFrozenDictionary(value => value, value => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString()));

        public static readonly FrozenDictionary<string, T> ByName =
            ByValue.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);
    }
}

/// <summary>Writes an enum value as its <see cref="WireNames"/> name, and reads nothing else.</summary>
public sealed class WireNameConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && WireNames.TryParse<T>(reader.GetString(), out var value))
        {
            return value;
        }

        throw new JsonException($"It is none of {string.Join(", ", WireNames.All<T>())}.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(WireNames.Of(value));
}
