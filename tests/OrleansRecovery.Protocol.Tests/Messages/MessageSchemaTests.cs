using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;

namespace OrleansRecovery.Protocol.Tests.Messages;

/// <summary>The schemas of the draft say what the codec does.</summary>
public sealed class MessageSchemaTests
{
    private static readonly SchemaValidator Schemas = SchemaValidator.Load();

    public static TheoryData<RecoveryMessageKind> Kinds => MessageCodecTests.Kinds;

    [Fact]
    public void Every_kind_of_message_has_a_schema_and_every_schema_a_kind() =>
        Assert.Equal(WireNames.All<RecoveryMessageKind>().Order(StringComparer.Ordinal), Schemas.Names);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_the_codec_writes_is_valid(RecoveryMessageKind kind) =>
        Prop.ForAll(
            MessageSamples.Of(kind).ToArbitrary(),
            message => Assert.Null(Schemas.Fault(WireNames.Of(kind), Parse(MessageCodec.Write(Support.Sample.Addressed(message))))))
            .QuickCheckThrowOnFailure();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_message_without_a_required_member_is_refused_by_schema_and_codec(RecoveryMessageKind kind) =>
        Assert.All(MembersOf(kind).Where(member => member.IsRequired), member => AssertAgreed(kind, member.Without(), isValid: false, member));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_message_without_an_optional_member_is_taken_by_schema_and_codec(RecoveryMessageKind kind) =>
        Assert.All(MembersOf(kind).Where(member => !member.IsRequired), member => AssertAgreed(kind, member.Without(), isValid: true, member));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_member_of_another_type_is_refused_by_schema_and_codec(RecoveryMessageKind kind)
    {
        JsonNode?[] values = [null, "a name / that is none", -1, 1.5, 9_007_199_254_740_992, true, new JsonArray(7, 7), new JsonObject(), new string('a', 1025)];
        foreach (var member in MembersOf(kind))
        {
            var refused = values.Count(value =>
            {
                var changed = member.With(value);
                var isValid = Schemas.Fault(WireNames.Of(kind), Parse(Encoding.UTF8.GetBytes(changed))) is null;
                AssertAgreed(kind, changed, isValid, member);
                return !isValid;
            });
            Assert.True(refused >= values.Length - 2, $"{member} takes almost anything");
        }
    }

    [Fact]
    public void The_values_of_enums_are_those_of_the_code()
    {
        var enums = Schemas["common"].GetProperty("$defs").EnumerateObject().Where(item => item.Value.TryGetProperty("enum", out _)).ToList();
        var types = typeof(RecoveryMessage).Assembly.GetExportedTypes().Where(type => type.IsEnum)
            .ToDictionary(type => JsonNamingPolicy.SnakeCaseLower.ConvertName(type.Name), StringComparer.Ordinal);

        Assert.NotEmpty(enums);
        Assert.All(enums, item => Assert.Equal(
            Enum.GetNames(types[item.Name]).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName),
            item.Value.GetProperty("enum").EnumerateArray().Select(value => value.GetString())));
    }

    [Fact]
    public void Every_value_of_an_enum_of_a_message_is_in_a_schema()
    {
        var used = MessageSamples.Types.Values.SelectMany(EnumsOf).Select(type => JsonNamingPolicy.SnakeCaseLower.ConvertName(type.Name)).Distinct();
        var described = Schemas["common"].GetProperty("$defs").EnumerateObject().Where(item => item.Value.TryGetProperty("enum", out _)).Select(item => item.Name);

        Assert.Equal(used.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_member_has_a_description(RecoveryMessageKind kind) =>
        Assert.All(MembersOf(kind), member => Assert.NotEmpty(member.Schema.GetProperty("description").GetString()!));

    [Fact]
    public void A_keyword_that_nobody_checks_is_an_error()
    {
        using var schema = JsonDocument.Parse("""{"type":"object","oneOf":[]}""");

        Assert.Throws<InvalidOperationException>(() => SchemaValidator.Fault(schema.RootElement, schema.RootElement));
    }

    private static void AssertAgreed(RecoveryMessageKind kind, string message, bool isValid, Member member)
    {
        var bytes = Encoding.UTF8.GetBytes(message);
        Assert.True(Schemas.Fault(WireNames.Of(kind), Parse(bytes)) is null == isValid, $"schema: {member} in {message}");
        Assert.True(MessageCodec.TryRead(bytes, out _, out var error) == isValid, $"codec: {member} in {message}: {error}");
    }

    // Every member that the schema of a kind names, at every depth; of lists the first item's.
    private static List<Member> MembersOf(RecoveryMessageKind kind)
    {
        var full = Encoding.UTF8.GetString(MessageCodec.Write(Support.Sample.Addressed(MessageSamples.Full(kind))));
        var name = WireNames.Of(kind);
        return [.. MembersOf(Schemas[name], name, full, [])];
    }

    private static IEnumerable<Member> MembersOf(JsonElement schema, string document, string message, object[] path)
    {
        (schema, document) = Schemas.Resolve(schema, document);
        if (schema.TryGetProperty("items", out var item) && path is not ["crit"])
        {
            foreach (var member in MembersOf(item, document, message, [.. path, 0]))
            {
                yield return member;
            }
        }

        if (!schema.TryGetProperty("properties", out var properties))
        {
            yield break;
        }

        var required = schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()).ToHashSet(StringComparer.Ordinal);
        foreach (var property in properties.EnumerateObject())
        {
            object[] inner = [.. path, property.Name];
            yield return new Member(message, inner, required.Contains(property.Name), property.Value);
            foreach (var member in MembersOf(property.Value, document, message, inner))
            {
                yield return member;
            }
        }
    }

    private static IEnumerable<Type> EnumsOf(Type type)
    {
        var held = Nullable.GetUnderlyingType(type) ?? (type.IsGenericType ? type.GetGenericArguments()[0] : type);
        if (held.IsEnum)
        {
            return [held];
        }

        return held.Namespace?.StartsWith("OrleansRecovery", StringComparison.Ordinal) == true
            ? held.GetProperties(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Instance)
                .Where(property => property.Name != nameof(RecoveryMessage.Kind)).SelectMany(property => property.PropertyType == held ? [] : EnumsOf(property.PropertyType))
            : [];
    }

    private static JsonElement Parse(byte[] message)
    {
        using var document = JsonDocument.Parse(message);
        return document.RootElement.Clone();
    }

    private sealed record Member(string Message, object[] Path, bool IsRequired, JsonElement Schema)
    {
        public string Without() => Changed(parent => parent.Remove((string)Path[^1]));

        public string With(JsonNode? value) => Changed(parent => parent[(string)Path[^1]] = value?.DeepClone());

        public override string ToString() => string.Join('.', Path);

        private string Changed(Action<JsonObject> change)
        {
            var root = JsonNode.Parse(Message)!;
            var parent = Path[..^1].Aggregate(root, (node, step) => step is int index ? node[index]! : node[(string)step]!);
            change(parent.AsObject());
            return root.ToJsonString();
        }
    }
}
