using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;

namespace OrleansRecovery.Http.Json;

/// <summary>Reads the content of a request, within limits. Of several errors the size comes first, then the form (draft, section {#errors}).</summary>
internal static class Body
{
    internal const string Json = "application/json";

    internal const string Message = "application/agent-recovery+json";

    internal const string SignedMessageType = $"application/{SignedMessage.Type}";

    /// <summary>Largest request that is no message of the protocol, in bytes: 8 MiB.</summary>
    internal const int RecordsBytesMax = 8 * 1024 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = HttpJson.DepthMax, AllowDuplicateProperties = false };

    internal static RecoveryError TooLarge(int most) => new(
        RecoveryErrorCode.PayloadTooLarge, $"The request has more than {most} bytes.", "It was not read; nothing was changed.", "Send less at once.");

    /// <summary>A message of the protocol, and its signed form where it came in that.</summary>
    internal static async Task<(AddressedMessage Message, SignedMessage? Signed)> MessageAsync(HttpRequest request)
    {
        if (Is(request, SignedMessageType))
        {
            var compact = await BytesAsync(request, SignedMessageType, SignedMessage.BytesMax);
            return SignedMessage.TryRead(compact, out var signed, out var refusal) ? (signed.Message, signed) : throw new RecoveryException(refusal);
        }

        var body = await BytesAsync(request, Message, MessageCodec.MessageBytesMax);
        return MessageCodec.TryRead(body, out var message, out var error) ? (message, null) : throw new RecoveryException(error);
    }

    /// <summary>A JSON document of this binding.</summary>
    internal static async Task<T> ReadAsync<T>(HttpRequest request)
        where T : class
    {
        using var document = await DocumentAsync(request);
        try
        {
            return document.RootElement.Deserialize<T>(HttpJson.Options) ?? throw new JsonException("It is null.");
        }
        catch (Exception invalid) when (invalid is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw Violation(invalid);
        }
    }

    /// <summary>The error for JSON that does not say what it should.</summary>
    internal static RecoveryException Violation(Exception invalid) => RecoveryException.Of(
        RecoveryErrorCode.SchemaViolation,
        $"The content is not what this resource takes: {invalid.Message}",
        "It was refused; nothing was changed.",
        "Compare it with /openapi/v1.json.",
        invalid);

    /// <summary>Well-formed JSON.</summary>
    private static async Task<JsonDocument> DocumentAsync(HttpRequest request)
    {
        var body = await BytesAsync(request, Json, RecordsBytesMax);
        try
        {
            return Writable(JsonDocument.Parse(body, Strict));
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or ArgumentException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.MalformedJson,
                $"The content is not well-formed JSON: {malformed.Message}",
                "It was not read; nothing was changed.",
                $"Send one JSON object with distinct member names, nested at most {HttpJson.DepthMax} deep.",
                malformed);
        }
    }

    // Half of a surrogate pair is read, and could not be written into a journal.
    private static JsonDocument Writable(JsonDocument document)
    {
        using var nowhere = new Utf8JsonWriter(Stream.Null);
        document.RootElement.WriteTo(nowhere);
        return document;
    }

    private static bool Is(HttpRequest request, string mediaType) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var given) && given.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase);

    private static async Task<byte[]> BytesAsync(HttpRequest request, string mediaType, int most)
    {
        if (!Is(request, mediaType))
        {
            throw new BadHttpRequestException($"The content must be {mediaType}.", StatusCodes.Status415UnsupportedMediaType);
        }

        if (request.ContentLength > most)
        {
            throw new RecoveryException(TooLarge(most));
        }

        using var read = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await request.Body.ReadAsync(buffer, request.HttpContext.RequestAborted) is var count and > 0)
        {
            await read.WriteAsync(buffer.AsMemory(0, count), request.HttpContext.RequestAborted);
            if (read.Length > most)
            {
                throw new RecoveryException(TooLarge(most));
            }
        }

        return read.ToArray();
    }
}
