using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>
/// The wire form of the messages: one JSON object in canonical form (<see cref="CanonicalJson"/>), with <c>ver</c>, <c>type</c>, <c>tenant</c>,
/// <c>execution</c> and the members of the record, all names in snake_case; <c>draft/schemas</c> has a JSON Schema of each.
/// <list type="bullet">
/// <item>A reader takes any white space and any order of members, but no member twice.</item>
/// <item>A member without a value is left out; null is refused.</item>
/// <item>
/// A member that this build does not know is ignored, and not written again by whoever passes the message on. A sender that must be understood or refused
/// lists the names of such members of the message itself in <c>crit</c>: an array of distinct names, each of a member that is there.
/// </item>
/// </list>
/// </summary>
public static class MessageCodec
{
    /// <summary>Largest message, in bytes: 1 MiB, since votes carry traces.</summary>
    public const int MessageBytesMax = 1024 * 1024;

    /// <summary>Deepest nesting of objects and arrays, unknown members included.</summary>
    public const int DepthMax = 16;

    /// <summary>Longest text, in Unicode characters. Names are shorter (<see cref="TermText.LengthMax"/>).</summary>
    public const int TextLengthMax = 1024;

    /// <summary>Most names in <c>crit</c>.</summary>
    public const int CriticalCountMax = 64;

    private const string Version = "ver";
    private const string Type = "type";
    private const string Critical = "crit";

    // Members of every message, beside those of its record.
    private static readonly string[] Envelope = [Version, Type, Critical];

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = DepthMax, AllowDuplicateProperties = false };

    /// <summary>The canonical UTF-8 bytes of a message. What it returns, <see cref="TryRead"/> takes.</summary>
    /// <exception cref="RecoveryException">
    /// <c>SchemaViolation</c>: a text is longer, or a number larger, than the schema allows; <c>PayloadTooLarge</c>: the message is.
    /// </exception>
    public static byte[] Write(AddressedMessage message)
    {
        var (execution, said) = message;
        Invariant.Holds(
            said is not FailureSignal signal || new ExecutionAddress(signal.Tenant, signal.Execution) == execution, "A signal names the execution that it goes to.");
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            var address = JsonSerializer.SerializeToElement(execution, MessageJsonContext.Default.ExecutionAddress);
            var members = JsonSerializer.SerializeToElement(said, MessageJsonContext.TypeOf(said.Kind));
            writer.WriteStartObject();
            writer.WriteNumber(Version, RecoveryMessage.SchemaVersion);
            writer.WriteString(Type, WireNames.Of(said.Kind));
            foreach (var member in address.EnumerateObject().Concat(members.EnumerateObject()).DistinctBy(member => member.Name))
            {
                member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        using var written = JsonDocument.Parse(buffer.WrittenMemory);
        if (Check(written.RootElement, said.Kind) is { } refused)
        {
            throw new RecoveryException(refused);
        }

        var canonical = CanonicalJson.Write(buffer.WrittenSpan);
        return canonical.Length <= MessageBytesMax ? canonical : throw new RecoveryException(TooLarge(canonical.Length));
    }

    /// <summary>
    /// Reads a message from anybody. Never throws. The error is <c>PayloadTooLarge</c>, <c>MalformedJson</c> (no JSON, a member twice, nested too deep),
    /// <c>UnknownVersion</c>, or <c>SchemaViolation</c> with the path of the member that is missing, of the wrong type, out of range, or critical and unknown.
    /// </summary>
    public static bool TryRead(
        ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out AddressedMessage? message, [NotNullWhen(false)] out RecoveryError? error)
    {
        message = null;
        if (utf8.Length > MessageBytesMax)
        {
            error = TooLarge(utf8.Length);
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(utf8.ToArray(), Strict);
            error = Read(document.RootElement, out message);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half of a surrogate pair in a string or a name.
            error = new RecoveryError(
                RecoveryErrorCode.MalformedJson,
                $"The message is not well-formed JSON: {malformed.Message}",
                Unread,
                $"Send one JSON object with distinct member names, nested at most {DepthMax} deep.");
        }

        return error is null;
    }

    private const string Unread = "It was not read; nothing was changed.";

    private static RecoveryError? Read(JsonElement root, out AddressedMessage? message)
    {
        message = null;
        if (root.ValueKind != JsonValueKind.Object)
        {
            return Violation("message", new MessageFault("$", "is not an object"));
        }

        if (!root.TryGetProperty(Version, out var version) || version.ValueKind != JsonValueKind.Number || !version.TryGetInt64(out var number))
        {
            return Violation("message", new MessageFault($"$.{Version}", "is missing or no integer"));
        }

        if (number != RecoveryMessage.SchemaVersion)
        {
            return new RecoveryError(
                RecoveryErrorCode.UnknownVersion,
                $"The message has schema version {number}, and this build knows {RecoveryMessage.SchemaVersion}.",
                Unread,
                "Upgrade this side, or have the other one write the version that both know.");
        }

        if (!root.TryGetProperty(Type, out var type) || type.ValueKind != JsonValueKind.String
            || !WireNames.TryParse<RecoveryMessageKind>(type.GetString(), out var kind))
        {
            return Violation("message", new MessageFault($"$.{Type}", $"is none of {string.Join(", ", WireNames.All<RecoveryMessageKind>())}"));
        }

        if ((Check(root, kind) ?? CheckCritical(root, kind)) is { } error)
        {
            return error;
        }

        try
        {
            message = new AddressedMessage(
                root.Deserialize(MessageJsonContext.Default.ExecutionAddress), (RecoveryMessage)root.Deserialize(MessageJsonContext.TypeOf(kind))!);
            return null;
        }
        catch (JsonException invalid)
        {
            return Violation(WireNames.Of(kind), new MessageFault(invalid.Path ?? "$", $"is refused: {invalid.Message}"));
        }
    }

    private static RecoveryError? Check(JsonElement members, RecoveryMessageKind kind) =>
        MessageShape.Of(kind).FaultOf(members) is { } fault ? Violation(WireNames.Of(kind), fault) : null;

    private static RecoveryError? CheckCritical(JsonElement root, RecoveryMessageKind kind)
    {
        if (!root.TryGetProperty(Critical, out var critical))
        {
            return null;
        }

        var path = $"$.{Critical}";
        if (critical.ValueKind != JsonValueKind.Array || critical.GetArrayLength() is 0 or > CriticalCountMax
            || critical.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String))
        {
            return Violation(WireNames.Of(kind), new MessageFault(path, $"is not an array of 1 to {CriticalCountMax} names"));
        }

        var names = critical.EnumerateArray().Select(name => name.GetString()!).ToList();
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Count)
        {
            return Violation(WireNames.Of(kind), new MessageFault(path, "has a name twice"));
        }

        foreach (var name in names)
        {
            if (!root.TryGetProperty(name, out _))
            {
                return Violation(WireNames.Of(kind), new MessageFault(path, $"names '{Shown(name)}', which the message does not have"));
            }

            if (!Envelope.Contains(name, StringComparer.Ordinal) && !MessageShape.Of(kind).Knows(name))
            {
                return Violation(WireNames.Of(kind), new MessageFault($"$.{Shown(name)}", "is marked critical, and this build does not know it"));
            }
        }

        return null;
    }

    private static string Shown(string name) => name.Length <= TermText.LengthMax ? name : string.Concat(name.AsSpan(0, TermText.LengthMax), "...");

    private static RecoveryError Violation(string message, MessageFault fault) => new(
        RecoveryErrorCode.SchemaViolation,
        $"In the {message}, {fault.Path} {fault.What.TrimEnd('.')}.",
        "The message was refused; nothing was changed.",
        "Compare the message with its schema in draft/schemas.");

    private static RecoveryError TooLarge(int length) => new(
        RecoveryErrorCode.PayloadTooLarge,
        $"The message has {length} bytes, more than {MessageBytesMax}.",
        Unread,
        "Send a smaller one: shorten texts, or let fewer intervals fall at once.");
}
