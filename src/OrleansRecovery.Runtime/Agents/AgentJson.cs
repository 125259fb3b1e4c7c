using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>How agents' states, messages, arguments and results become JSON.</summary>
public static class AgentJson
{
    private static readonly ConditionalWeakTable<Type, JsonTypeInfo> Proven = [];

    /// <summary>The options under which states and messages are written.</summary>
    public static JsonSerializerOptions Options { get; } = MakeOptions();

    /// <summary>The type's JSON form, proven to exist, once, by writing and reading back where that can be done without a value.</summary>
    /// <exception cref="RecoveryException">The type cannot be written and read back.</exception>
    internal static JsonTypeInfo TypeInfo(Type type, Type agentType)
    {
        try
        {
            return Proven.GetValue(type, Prove);
        }
        catch (Exception refused) when (refused is NotSupportedException or InvalidOperationException or JsonException or ArgumentException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.NotSerializable,
                $"The agent class {agentType.Name} uses {type.Name}, which cannot be written to JSON and read back: {refused.Message}",
                "The agent is not registered.",
                "Give the type a public constructor and public properties that System.Text.Json can set, or a JsonConverter.",
                refused);
        }
    }

    /// <summary>Largest message, argument, result or state, in bytes of JSON: 8 MiB, so that every record of it fits a journal.</summary>
    public const int PayloadBytesMax = Ports.StreamAppend.BytesMax / 2;

    /// <summary>The JSON of a message.</summary>
    /// <exception cref="RecoveryException"><c>NotSerializable</c> or <c>PayloadTooLarge</c>.</exception>
    public static JsonElement Write(object message, Type type) => Write(message, TypeInfo(type, type));

    /// <summary>The JSON of a message, an argument or a result.</summary>
    /// <exception cref="RecoveryException"><c>PayloadTooLarge</c>.</exception>
    internal static JsonElement Write(object? value, JsonTypeInfo info)
    {
        var element = JsonSerializer.SerializeToElement(value, info);
        CheckLength(JsonMarshal.GetRawUtf8Value(element).Length, info);
        return element;
    }

    /// <summary>The value that somebody else wrote as JSON: a message, or a response.</summary>
    /// <exception cref="RecoveryException"><c>UnreadableValue</c>: it is none of this type.</exception>
    internal static object Read(JsonElement value, JsonTypeInfo info)
    {
        Exception? unreadable = null;
        try
        {
            if (value.Deserialize(info) is { } read)
            {
                return read;
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or NotSupportedException or ArgumentException or FormatException)
        {
            unreadable = failure;
        }

        throw RecoveryException.Of(
            RecoveryErrorCode.UnreadableValue,
            $"What was sent is no {info.Type.Name}: {unreadable?.Message ?? "it is null."}",
            "It stands in its sender's journal; whoever was to take it has not seen it.",
            "Compare the JSON with the type; in a contract, let the schema demand what the type needs.",
            unreadable);
    }

    /// <summary>The JSON of a state.</summary>
    /// <exception cref="RecoveryException"><c>PayloadTooLarge</c>.</exception>
    internal static byte[] WriteState(object state, JsonTypeInfo info)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(state, info);
        CheckLength(bytes.Length, info);
        return bytes;
    }

    // Refused where it is made, so that the turn that made it fails, and nothing else.
    private static void CheckLength(int length, JsonTypeInfo info)
    {
        if (length > PayloadBytesMax)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.PayloadTooLarge,
                $"A {info.Type.Name} has {length} bytes of JSON, more than {PayloadBytesMax}.",
                "It was not written.",
                "Keep large data in a store of its own, and put a reference to it into messages and state.");
        }
    }

    /// <summary>SHA-256, 64 lower-case hexadecimal digits.</summary>
    internal static string Digest(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));

    private static JsonTypeInfo Prove(Type type)
    {
        var info = Options.GetTypeInfo(type);
        if (info.Kind == JsonTypeInfoKind.Object && info.CreateObject is null && type.GetConstructors().Length == 0 && !type.IsValueType)
        {
            throw new NotSupportedException("it has no public constructor.");
        }

        foreach (var property in info.Properties)
        {
            if (typeof(Delegate).IsAssignableFrom(property.PropertyType) || property.PropertyType.IsPointer
                || property.PropertyType == typeof(Stream) || typeof(Task).IsAssignableFrom(property.PropertyType))
            {
                throw new NotSupportedException($"its property {property.Name} is a {property.PropertyType.Name}.");
            }
        }

        if (info.CreateObject is { } create)
        {
            var bytes = JsonSerializer.SerializeToUtf8Bytes(create(), info);
            _ = JsonSerializer.Deserialize(bytes, info);
        }

        return info;
    }

    private static JsonSerializerOptions MakeOptions()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        };
        options.MakeReadOnly();
        return options;
    }
}
