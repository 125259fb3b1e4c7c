using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Security;

/// <summary>
/// A message in its signed form: a JWS (RFC 7515) in compact serialization whose payload is the message (draft, section {#signed}). It was read, and nothing is
/// proven yet: <see cref="MessageOrigin"/> says whether the signature counts.
/// </summary>
/// <param name="Key">The key that is said to have signed it.</param>
/// <param name="Message">The message.</param>
/// <param name="Statement">What was signed: the first two parts with the dot between, in ASCII.</param>
/// <param name="Signature">The signature: r and s.</param>
public sealed record SignedMessage(KeyId Key, AddressedMessage Message, ReadOnlyMemory<byte> Statement, ReadOnlyMemory<byte> Signature)
{
    /// <summary>The one <c>typ</c> of a header, and the media type without <c>application/</c>: no other token is taken for a message (RFC 8725, section 3.11).</summary>
    public const string Type = "agent-recovery-jws";

    /// <summary>The algorithm that this build signs with.</summary>
    public const string Algorithm = "ES256";

    /// <summary>Longest header, in bytes before base64url: three short members.</summary>
    public const int HeaderBytesMax = 256;

    /// <summary>Longest signed message, in bytes: a message of the largest size, a header and a signature in base64url.</summary>
    public const int BytesMax = (4 * (MessageCodec.MessageBytesMax + HeaderBytesMax + PublicKey.SignatureBytes) / 3) + 16;

    private const string Unread = "It was refused; nothing was changed.";
    private static readonly JsonDocumentOptions Flat = new() { MaxDepth = 1, AllowDuplicateProperties = false };

    /// <summary>Algorithms that are accepted: none without a key pair (draft, R-SGN-4).</summary>
    public static IReadOnlyList<string> Algorithms { get; } = [Algorithm];

    /// <summary>In whose name it is sent: the issuer of a signal, the agent of what a participant says; null for what a coordinator says.</summary>
    public IssuerId? Sender => Message.Message switch
    {
        FailureSignal signal => signal.Issuer,
        Vote or Compensated or Restored or StatusQuery => IssuerId.Parse(((ParticipantMessage)Message.Message).Agent.Text),
        _ => null,
    };

    /// <summary>What is to be signed so that the message is one of this key.</summary>
    public static byte[] StatementOf(KeyId key, AddressedMessage message)
    {
        var header = $$"""{"alg":"{{Algorithm}}","kid":"{{key}}","typ":"{{Type}}"}""";
        return Encoding.ASCII.GetBytes($"{Base64Url.EncodeToString(Encoding.ASCII.GetBytes(header))}.{Base64Url.EncodeToString(MessageCodec.Write(message))}");
    }

    /// <summary>The signed form.</summary>
    public static byte[] Join(ReadOnlySpan<byte> statement, ReadOnlySpan<byte> signature) =>
        [.. statement, (byte)'.', .. Encoding.ASCII.GetBytes(Base64Url.EncodeToString(signature))];

    /// <summary>
    /// Reads a signed message from anybody. Never throws. Size and form come first, the payload's before the header's, so that what is wrong with a message is
    /// said whoever signed it (R-SEC-8). The error is one of <see cref="MessageCodec.TryRead"/>, or <c>BadSignature</c>: no signed message of this protocol.
    /// </summary>
    public static bool TryRead(
        ReadOnlySpan<byte> compact, [NotNullWhen(true)] out SignedMessage? signed, [NotNullWhen(false)] out RecoveryError? error)
    {
        signed = null;
        if (compact.Length > BytesMax)
        {
            error = new RecoveryError(
                RecoveryErrorCode.PayloadTooLarge, $"The signed message has {compact.Length} bytes, more than {BytesMax}.", "It was not read; nothing was changed.", "Send a smaller one.");
            return false;
        }

        // What is not ASCII becomes '?', which is in no alphabet of base64url.
        if (Encoding.ASCII.GetString(compact).Split('.') is not [var header, var payload, var signature]
            || !StrictBase64Url.TryDecode(header, out var head) || !StrictBase64Url.TryDecode(payload, out var body) || !StrictBase64Url.TryDecode(signature, out var made))
        {
            error = NotOne("has not three parts in base64url without padding");
            return false;
        }

        if (!MessageCodec.TryRead(body, out var message, out error))
        {
            return false;
        }

        if (KeyOf(head) is not { } key || made.Length != PublicKey.SignatureBytes)
        {
            error = NotOne($"has not exactly the header members alg, kid and typ, alg {string.Join(" or ", Algorithms)}, typ {Type}, and a signature of {PublicKey.SignatureBytes} bytes");
            return false;
        }

        signed = new SignedMessage(key, message, Encoding.ASCII.GetBytes($"{header}.{payload}"), made);
        return true;
    }

    /// <summary>Was it signed with this key?</summary>
    public bool IsSignedWith(PublicKey key) => key.Verifies(Statement.Span, Signature.Span);

    // The header's key, when the header is as it must be (R-SGN-7); otherwise null.
    private static KeyId? KeyOf(byte[] header)
    {
        if (header.Length > HeaderBytesMax)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(header, Flat);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object && root.EnumerateObject().Count() == 3
                && Text(root, "alg") is { } algorithm && Algorithms.Contains(algorithm, StringComparer.Ordinal)
                && Text(root, "typ") == Type
                && TermParser.TryParse<KeyId>(Text(root, "kid"), out var key, out _)
                ? key
                : null;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return null; // InvalidOperationException: half of a surrogate pair
        }
    }

    private static string? Text(JsonElement header, string name) =>
        header.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;

    private static RecoveryError NotOne(string what) => new(
        RecoveryErrorCode.BadSignature, $"The signed message {what}.", Unread, "Send a JWS in compact serialization, as 'recovery signal --sign-with' makes it.");
}
