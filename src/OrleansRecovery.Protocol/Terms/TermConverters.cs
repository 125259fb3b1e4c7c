using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>Writes a name as a JSON string, also as a member's name, and validates it when it is read.</summary>
public sealed class TextTermConverter<T> : JsonConverter<T>
    where T : struct, ITextTerm<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TermParser.TryParse<T>(reader.GetString(), out var term, out var error) ? term : throw new JsonException(error.ToString());

    /// <inheritdoc/>
    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Read(ref reader, typeToConvert, options);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value.Text);
}

/// <summary>Writes a count or position as a JSON integer and checks its range when it is read.</summary>
public sealed class NumberTermConverter<T> : JsonConverter<T>
    where T : struct, INumberTerm<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number))
        {
            throw new JsonException($"The {T.Term} is not an integer.");
        }

        try
        {
            return TermParser.Number<T>(number);
        }
        catch (RecoveryException refused)
        {
            throw new JsonException(refused.Message, refused);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Number);
}
