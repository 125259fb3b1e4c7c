using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>What is wrong with a message, and where.</summary>
/// <param name="Path">The member, for example <c>$.trace.sends[0].to</c>.</param>
/// <param name="What">What is wrong, as the end of a sentence that begins with the path.</param>
internal sealed record MessageFault(string Path, string What);

/// <summary>
/// Which members a message has, what they hold, and which it must have, read from the types of the records: a member is optional where its type may be
/// null, and then left out rather than null. The deserializer alone would take a missing member of a struct for its default.
/// </summary>
internal sealed class MessageShape
{
    private const int DigestLength = 64;
    private const string Digest = "evidence_digest";
    private const string Try = "try"; // the only number that counts from 1

    private static readonly FrozenDictionary<RecoveryMessageKind, MessageShape> ByKind =
        Enum.GetValues<RecoveryMessageKind>().ToFrozenDictionary(
            kind => kind, kind => new MessageShape(MessageJsonContext.Default.ExecutionAddress, null).With(new MessageShape(MessageJsonContext.TypeOf(kind), null)));

    private readonly ShapeKind _kind;
    private readonly IReadOnlyList<Member> _members = [];
    private readonly MessageShape? _item;

    private MessageShape(JsonTypeInfo type, string? name)
    {
        _kind = KindOf(type, name);
        if (_kind == ShapeKind.List)
        {
            _item = new MessageShape(type.Options.GetTypeInfo(type.ElementType!), null);
        }
        else if (_kind == ShapeKind.Object)
        {
            _members = [.. type.Properties.Where(property => property.Get is not null).Select(property => new Member(
                property.Name,
                !IsNullable(property),
                new MessageShape(type.Options.GetTypeInfo(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType), property.Name)))];
        }
    }

    private MessageShape(ShapeKind kind, IReadOnlyList<Member> members) => (_kind, _members) = (kind, members);

    private enum ShapeKind
    {
        Text,
        Digest,
        Integer,
        Positive,
        Flag,
        List,
        Object,
    }

    /// <summary>The shape of a kind of message.</summary>
    internal static MessageShape Of(RecoveryMessageKind kind) => ByKind[kind];

    private MessageShape With(MessageShape other) => new(_kind, [.. _members.Concat(other._members).DistinctBy(member => member.Name)]);

    /// <summary>Has it a member with this name?</summary>
    internal bool Knows(string name) => _members.Any(member => member.Name == name);

    /// <summary>The first thing in which the value differs from the shape, or null. Unknown members are not looked at.</summary>
    internal MessageFault? FaultOf(JsonElement value, string path = "$")
    {
        switch (_kind)
        {
            case ShapeKind.Text:
                return TextFault(value, path);
            case ShapeKind.Digest:
                return value.ValueKind == JsonValueKind.String && IsDigest(value.GetString()!)
                    ? null
                    : new MessageFault(path, $"is not {DigestLength} lower-case hexadecimal digits");
            case ShapeKind.Integer:
                return IntegerFault(value, path, 0);
            case ShapeKind.Positive:
                return IntegerFault(value, path, 1);
            case ShapeKind.Flag:
                return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? null : new MessageFault(path, "is neither true nor false");
            case ShapeKind.List:
                return ListFault(value, path);
            case ShapeKind.Object:
                return ObjectFault(value, path);
        }

        return null;
    }

    private static MessageFault? IntegerFault(JsonElement value, string path, long least) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= least && number <= TermParser.NumberMax
            ? null
            : new MessageFault(path, $"is not an integer from {least} to {TermParser.NumberMax}");

    private static MessageFault? TextFault(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return new MessageFault(path, "is not a string");
        }

        // Counted as JSON Schema does: a character outside the basic plane is one.
        var count = value.GetString()!.EnumerateRunes().Count();
        return count <= MessageCodec.TextLengthMax
            ? null
            : new MessageFault(path, $"has {count} characters, more than {MessageCodec.TextLengthMax}");
    }

    private MessageFault? ListFault(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return new MessageFault(path, "is not an array");
        }

        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (_item!.FaultOf(item, $"{path}[{index++}]") is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private MessageFault? ObjectFault(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return new MessageFault(path, "is not an object");
        }

        foreach (var member in _members)
        {
            var inner = $"{path}.{member.Name}";
            if (!value.TryGetProperty(member.Name, out var held))
            {
                if (member.IsRequired)
                {
                    return new MessageFault(inner, "is missing");
                }
            }
            else if (member.Shape.FaultOf(held, inner) is { } fault)
            {
                return fault;
            }
        }

        return null;
    }

    private static bool IsDigest(string text) => text.Length == DigestLength && text.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    private static bool IsNullable(JsonPropertyInfo property) =>
        property.PropertyType.IsValueType ? Nullable.GetUnderlyingType(property.PropertyType) is not null : property.IsGetNullable;

    private static ShapeKind KindOf(JsonTypeInfo type, string? name)
    {
        if (type.Kind == JsonTypeInfoKind.Object)
        {
            return ShapeKind.Object;
        }

        if (type.Kind == JsonTypeInfoKind.Enumerable)
        {
            return ShapeKind.List;
        }

        var held = type.Type;
        if (held == typeof(bool))
        {
            return ShapeKind.Flag;
        }

        var isText = held == typeof(string) || held.IsEnum
            || held.GetInterfaces().Any(item => item.IsGenericType && item.GetGenericTypeDefinition() == typeof(ITextTerm<>));
        return isText ? (name == Digest ? ShapeKind.Digest : ShapeKind.Text)
            : name == Try ? ShapeKind.Positive : ShapeKind.Integer;
    }

    private sealed record Member(string Name, bool IsRequired, MessageShape Shape);
}
