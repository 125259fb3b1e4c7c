using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Json;

/// <summary>
/// The canonical form of JSON for hashing and signing (RFC 8785): members sorted by UTF-16 code units, no white space, strings escaped only where they must
/// be. Numbers are integers up to 2^53 - 1: anything else is refused, since messages hold none and their form in RFC 8785 is that of ECMAScript.
/// </summary>
public static class CanonicalJson
{
    /// <summary>Deepest nesting that is taken.</summary>
    public const int DepthMax = 64;

    /// <summary>The canonical UTF-8 bytes.</summary>
    /// <exception cref="RecoveryException"><c>MalformedJson</c>: a member stands twice, a number is not an integer in range, or a string is not Unicode text.</exception>
    public static byte[] Write(JsonElement element)
    {
        var output = new StringBuilder();
        try
        {
            Write(element, output, 0);
        }
        catch (InvalidOperationException malformed)
        {
            // Half of a surrogate pair, written as an escape: JSON allows it, Unicode and RFC 8785 do not.
            throw Refused($"A string is not Unicode text: {malformed.Message}", malformed);
        }

        return Encoding.UTF8.GetBytes(output.ToString());
    }

    /// <summary>The canonical UTF-8 bytes of a JSON text.</summary>
    /// <exception cref="RecoveryException"><c>MalformedJson</c>.</exception>
    public static byte[] Write(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = DepthMax });
            using var document = JsonDocument.ParseValue(ref reader);

            // Throws when anything but white space follows: a text is one value.
            _ = reader.Read();
            return Write(document.RootElement);
        }
        catch (JsonException malformed)
        {
            throw Refused($"The text is not JSON: {malformed.Message}", malformed);
        }
    }

    private static void Write(JsonElement element, StringBuilder output, int depth)
    {
        if (depth > DepthMax)
        {
            throw Refused($"The text is nested deeper than {DepthMax}.");
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(element, output, depth);
                break;
            case JsonValueKind.Array:
                output.Append('[');
                var first = true;
                foreach (var item in element.EnumerateArray())
                {
                    output.Append(first ? string.Empty : ",");
                    first = false;
                    Write(item, output, depth + 1);
                }

                output.Append(']');
                break;
            case JsonValueKind.String:
                WriteString(element.GetString()!, output);
                break;
            case JsonValueKind.Number:
                if (!element.TryGetInt64(out var number) || number is < -TermParser.NumberMax or > TermParser.NumberMax)
                {
                    throw Refused($"The number {element.GetRawText()} is not an integer up to 2^53 - 1.");
                }

                output.Append(number.ToString(CultureInfo.InvariantCulture));
                break;
            case JsonValueKind.True:
            case JsonValueKind.False:
            case JsonValueKind.Null:
                output.Append(element.GetRawText());
                break;
            case JsonValueKind.Undefined:
                throw Refused("There is no value.");
        }
    }

    private static void WriteObject(JsonElement element, StringBuilder output, int depth)
    {
        output.Append('{');
        string? previous = null;
        foreach (var member in element.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            if (member.Name == previous)
            {
                throw Refused($"The member '{member.Name}' stands twice.");
            }

            output.Append(previous is null ? string.Empty : ",");
            previous = member.Name;
            WriteString(member.Name, output);
            output.Append(':');
            Write(member.Value, output, depth + 1);
        }

        output.Append('}');
    }

    private static readonly SearchValues<char> MustEscape = SearchValues.Create(
        "\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f");

    private static void WriteString(string text, StringBuilder output)
    {
        output.Append('"');
        if (text.AsSpan().IndexOfAny(MustEscape) < 0)
        {
            output.Append(text);
        }
        else
        {
            foreach (var character in text)
            {
                output.Append(Escape(character));
            }
        }

        output.Append('"');
    }

    private static string Escape(char character) => character switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\b' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\f' => "\\f",
        '\r' => "\\r",
        < ' ' => $"\\u{(int)character:x4}",
        _ => character.ToString(),
    };

    private static RecoveryException Refused(string cause, Exception? inner = null) => RecoveryException.Of(
        RecoveryErrorCode.MalformedJson,
        cause,
        "It cannot be hashed or signed; nothing was changed.",
        "Send one JSON value with distinct member names and integers only.",
        inner);
}
