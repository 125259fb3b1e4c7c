using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansRecovery.Protocol.Tests.Messages;

/// <summary>
/// JSON Schema 2020-12, as far as <c>draft/schemas</c> uses it. A keyword that it does not know is an error, so that no schema says more than is checked.
/// </summary>
internal sealed class SchemaValidator
{
    private const string Extension = ".schema.json";

    private readonly Dictionary<string, JsonElement> _documents = new(StringComparer.Ordinal);

    private SchemaValidator()
    {
    }

    /// <summary>The names of the schemas, without the one that they share.</summary>
    public IEnumerable<string> Names => _documents.Keys.Where(name => name != "common").Order(StringComparer.Ordinal);

    public JsonElement this[string name] => _documents[name];

    /// <summary>The schemas of the repository, which the tests' assembly embeds.</summary>
    public static SchemaValidator Load()
    {
        var validator = new SchemaValidator();
        var assembly = typeof(SchemaValidator).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.EndsWith(Extension, StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(resource)!;
            using var document = JsonDocument.Parse(stream, new JsonDocumentOptions { AllowDuplicateProperties = false });
            validator._documents[resource[..^Extension.Length]] = document.RootElement.Clone();
        }

        return validator;
    }

    /// <summary>The schema that a reference leads to, and the document that it stands in; the schema itself when it is none.</summary>
    public (JsonElement Schema, string Document) Resolve(JsonElement schema, string document)
    {
        if (!schema.TryGetProperty("$ref", out var reference))
        {
            return (schema, document);
        }

        var parts = reference.GetString()!.Split('#');
        var target = parts[0].Length == 0 ? document : parts[0][..^Extension.Length];
        var found = _documents[target];
        foreach (var step in parts[1].Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            found = found.GetProperty(step);
        }

        return Resolve(found, target);
    }

    /// <summary>What is wrong with the value, or null.</summary>
    public string? Fault(string name, JsonElement value) => Fault(_documents[name], name, value, "$");

    /// <summary>What is wrong with the value under a schema that refers to no other, or null.</summary>
    public static string? Fault(JsonElement schema, JsonElement value) => new SchemaValidator().Fault(schema, string.Empty, value, "$");

    private string? Fault(JsonElement schema, string document, JsonElement value, string path)
    {
        foreach (var keyword in schema.EnumerateObject())
        {
            if (KeywordFault(keyword, schema, document, value, path) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private string? KeywordFault(JsonProperty keyword, JsonElement schema, string document, JsonElement value, string path)
    {
        var rule = keyword.Value;
        var holds = true;
        switch (keyword.Name)
        {
            case "$schema" or "$id" or "title" or "description" or "$defs":
                break;
            case "$ref":
                var (target, home) = Resolve(schema, document);
                return Fault(target, home, value, path);
            case "type":
                holds = IsOfType(rule.GetString()!, value);
                break;
            case "const":
                holds = JsonElement.DeepEquals(rule, value);
                break;
            case "enum":
                holds = rule.EnumerateArray().Any(item => JsonElement.DeepEquals(item, value));
                break;
            case "required":
                holds = value.ValueKind != JsonValueKind.Object || rule.EnumerateArray().All(member => value.TryGetProperty(member.GetString()!, out _));
                break;
            case "properties":
                return value.ValueKind != JsonValueKind.Object ? null : rule.EnumerateObject()
                    .Select(member => value.TryGetProperty(member.Name, out var held)
                        ? Fault(member.Value, document, held, $"{path}.{member.Name}")
                        : null)
                    .FirstOrDefault(fault => fault is not null);
            case "items":
                return value.ValueKind != JsonValueKind.Array ? null : value.EnumerateArray()
                    .Select((item, index) => Fault(rule, document, item, $"{path}[{index}]"))
                    .FirstOrDefault(fault => fault is not null);
            case "uniqueItems":
                holds = value.ValueKind != JsonValueKind.Array
                    || value.EnumerateArray().Select(item => item.GetRawText()).Distinct(StringComparer.Ordinal).Count() == value.GetArrayLength();
                break;
            case "minItems" or "maxItems":
                holds = value.ValueKind != JsonValueKind.Array || Keeps(keyword.Name, rule.GetDecimal(), value.GetArrayLength());
                break;
            case "minimum" or "maximum":
                holds = value.ValueKind != JsonValueKind.Number || Keeps(keyword.Name, rule.GetDecimal(), value.GetDecimal());
                break;
            case "minLength" or "maxLength":
                holds = value.ValueKind != JsonValueKind.String || Keeps(keyword.Name, rule.GetDecimal(), value.GetString()!.EnumerateRunes().Count());
                break;
            case "pattern":
                holds = value.ValueKind != JsonValueKind.String
                    || Regex.IsMatch(value.GetString()!, rule.GetString()!, RegexOptions.ECMAScript, TimeSpan.FromSeconds(1));
                break;
            default:
                throw new InvalidOperationException($"The schema at {path} uses the keyword '{keyword.Name}', which nobody checks.");
        }

        return holds ? null : $"{path} breaks {keyword.Name} {rule.GetRawText()}";
    }

    private static bool Keeps(string keyword, decimal limit, decimal value) =>
        keyword.StartsWith("min", StringComparison.Ordinal) ? value >= limit : value <= limit;

    private static bool IsOfType(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && decimal.IsInteger(number),
        _ => throw new InvalidOperationException($"Nobody checks the type '{type}'."),
    };
}
