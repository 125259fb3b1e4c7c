using System.Text.Json;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>
/// The part of JSON Schema 2020-12 that contracts use: <c>type</c>, <c>properties</c>, <c>required</c>, <c>additionalProperties</c> (true or false), <c>items</c>,
/// <c>enum</c>, <c>const</c>, <c>minimum</c>, <c>maximum</c>, <c>minLength</c>, <c>maxLength</c>, <c>minItems</c>, <c>maxItems</c>, and <c>title</c>,
/// <c>description</c>, which say nothing. A schema with another keyword is refused, so that none says more than is checked. No regular expressions: a contract
/// comes from another agent, and must not be able to keep its reader busy.
/// </summary>
public static class OutputSchema
{
    /// <summary>Deepest nesting of a schema.</summary>
    public const int DepthMax = 32;

    /// <summary>Most findings that are told.</summary>
    public const int FindingCountMax = 16;

    private static readonly string[] Types = ["null", "boolean", "object", "array", "number", "string", "integer"];
    private static readonly string[] Counts = ["minLength", "maxLength", "minItems", "maxItems"];

    /// <summary>Why it is no schema, or null.</summary>
    public static string? FaultOf(JsonElement schema) => FaultOf(schema, "$", 0);

    /// <summary>What is wrong with a value, each finding with its place; empty when nothing is.</summary>
    /// <param name="schema">A schema without fault.</param>
    /// <param name="value">The value.</param>
    public static IReadOnlyList<string> FindingsOf(JsonElement schema, JsonElement value)
    {
        var findings = new List<string>();
        Check(schema, value, "$", findings);
        return findings;
    }

    private static string? FaultOf(JsonElement schema, string at, int depth)
    {
        if (schema.ValueKind != JsonValueKind.Object || depth > DepthMax)
        {
            return schema.ValueKind != JsonValueKind.Object ? $"{at} is no object" : $"{at} is nested more than {DepthMax} deep";
        }

        foreach (var keyword in schema.EnumerateObject())
        {
            if (KeywordFault(keyword.Name, keyword.Value, $"{at}.{keyword.Name}", depth) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static string? KeywordFault(string keyword, JsonElement value, string at, int depth)
    {
        switch (keyword)
        {
            case "title" or "description":
                return value.ValueKind == JsonValueKind.String ? null : $"{at} is no text";
            case "type":
                return TypesOf(value).ToList() is { Count: > 0 } types && types.TrueForAll(type => Types.Contains(type)) ? null : $"{at} is no type";
            case "properties":
                return value.ValueKind != JsonValueKind.Object
                    ? $"{at} is no object"
                    : value.EnumerateObject().Select(member => FaultOf(member.Value, $"{at}.{member.Name}", depth + 1)).FirstOrDefault(fault => fault is not null);
            case "items":
                return FaultOf(value, at, depth + 1);
            case "required":
                return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String) ? null : $"{at} is no list of names";
            case "additionalProperties":
                return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : $"{at} is neither true nor false";
            case "enum":
                return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0 ? null : $"{at} is no list of values";
            case "const":
                return null;
            case "minimum" or "maximum":
                return value.ValueKind == JsonValueKind.Number ? null : $"{at} is no number";
            default:
                return !Counts.Contains(keyword) ? $"{at} is a keyword that is not known"
                    : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 0 ? null : $"{at} is no count";
        }
    }

    private static void Check(JsonElement schema, JsonElement value, string at, List<string> findings)
    {
        foreach (var keyword in schema.EnumerateObject())
        {
            if (findings.Count >= FindingCountMax)
            {
                return;
            }

            if (FindingOf(schema, keyword.Name, keyword.Value, value) is { } finding)
            {
                findings.Add($"{at} {finding}");
            }
        }

        if (value.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out var properties))
        {
            foreach (var member in properties.EnumerateObject())
            {
                if (value.TryGetProperty(member.Name, out var inner))
                {
                    Check(member.Value, inner, $"{at}.{member.Name}", findings);
                }
            }
        }

        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items))
        {
            foreach (var (index, item) in value.EnumerateArray().Index())
            {
                Check(items, item, $"{at}[{index}]", findings);
            }
        }
    }

    private static string? FindingOf(JsonElement schema, string keyword, JsonElement expected, JsonElement value)
    {
        var kind = value.ValueKind;
        return keyword switch
        {
            "type" => TypesOf(expected).Any(type => IsOf(type, value)) ? null : $"is {NameOf(kind)}, and not {string.Join(" or ", TypesOf(expected))}",
            "enum" => expected.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)) ? null : "is none of the values that are allowed",
            "const" => JsonElement.DeepEquals(expected, value) ? null : "is not the value that it must be",
            "required" => kind == JsonValueKind.Object && expected.EnumerateArray().FirstOrDefault(name => !value.TryGetProperty(name.GetString()!, out _)) is { ValueKind: JsonValueKind.String } missing
                ? $"has no {missing.GetString()}"
                : null,
            "additionalProperties" => kind == JsonValueKind.Object && expected.ValueKind == JsonValueKind.False && Unknown(schema, value) is { } unknown ? $"has {unknown}, which is not in the schema" : null,
            "minimum" => kind == JsonValueKind.Number && value.GetDouble() < expected.GetDouble() ? $"is less than {expected.GetRawText()}" : null,
            "maximum" => kind == JsonValueKind.Number && value.GetDouble() > expected.GetDouble() ? $"is more than {expected.GetRawText()}" : null,
            "minLength" => kind == JsonValueKind.String && LengthOf(value) < expected.GetInt32() ? $"is shorter than {expected.GetRawText()} characters" : null,
            "maxLength" => kind == JsonValueKind.String && LengthOf(value) > expected.GetInt32() ? $"is longer than {expected.GetRawText()} characters" : null,
            "minItems" => kind == JsonValueKind.Array && value.GetArrayLength() < expected.GetInt32() ? $"has fewer than {expected.GetRawText()} items" : null,
            "maxItems" => kind == JsonValueKind.Array && value.GetArrayLength() > expected.GetInt32() ? $"has more than {expected.GetRawText()} items" : null,
            _ => null,
        };
    }

    private static string? Unknown(JsonElement schema, JsonElement value) => value.EnumerateObject().Select(member => member.Name)
        .FirstOrDefault(name => !schema.TryGetProperty("properties", out var properties) || !properties.TryGetProperty(name, out _));

    private static IEnumerable<string> TypesOf(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(TypeName) : [TypeName(type)];

    private static string TypeName(JsonElement type) => type.ValueKind == JsonValueKind.String ? type.GetString()! : type.GetRawText();

    private static bool IsOf(string type, JsonElement value) =>
        type == "integer" ? value.ValueKind == JsonValueKind.Number && double.IsInteger(value.GetDouble()) : type == NameOf(value.ValueKind);

    // In Unicode characters, as the specification counts.
    private static int LengthOf(JsonElement text) => text.GetString()!.EnumerateRunes().Count();

    private static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.String => "string",
        JsonValueKind.Number => "number",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Null => "null",
        JsonValueKind.Undefined => "nothing",
    };
}
