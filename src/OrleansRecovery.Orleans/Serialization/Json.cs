using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Serialization;

/// <summary>
/// What crosses from grain to grain: a value of the Protocol or the Runtime in the JSON that journals and messages have on every host, inside an envelope
/// that Orleans' generated serialiser carries. So one form is versioned, and silos of two versions understand each other as far as their journals do.
/// </summary>
/// <typeparam name="T">The type of the value.</typeparam>
/// <param name="Body">Its UTF-8 JSON.</param>
[GenerateSerializer]
[Alias("recovery.json`1")]
[Immutable]
public readonly record struct Json<T>([property: Id(0)] byte[] Body)
{
    /// <summary>The value.</summary>
    public T Value() => JsonSerializer.Deserialize<T>(Body, WireJson.Options)!;
}

/// <summary>A value, or the error that it could not be had for.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
/// <param name="Body">The UTF-8 JSON of the value; null for an error.</param>
/// <param name="Error">The UTF-8 JSON of the error; null for a value.</param>
[GenerateSerializer]
[Alias("recovery.reply`1")]
[Immutable]
public readonly record struct Reply<T>([property: Id(0)] byte[]? Body, [property: Id(1)] byte[]? Error)
{
    /// <summary>The value.</summary>
    /// <exception cref="RecoveryException">The error.</exception>
    public T Value() => Error is null
        ? JsonSerializer.Deserialize<T>(Body, WireJson.Options)!
        : throw new RecoveryException(JsonSerializer.Deserialize<RecoveryError>(Error, WireJson.Options)!);
}

/// <summary>Nothing, where a reply needs a value.</summary>
public sealed record Nothing
{
    /// <summary>The one that there is.</summary>
    public static Nothing Value { get; } = new();
}

internal static class WireJson
{
    internal static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { NameMessages } },
    };

    internal static Json<T> Of<T>(T value) => new(JsonSerializer.SerializeToUtf8Bytes(value, Options));

    /// <summary>Runs a call of a grain, and makes its error a part of its reply.</summary>
    internal static async Task<Reply<T>> ReplyAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return new Reply<T>(JsonSerializer.SerializeToUtf8Bytes(await call(), Options), null);
        }
        catch (RecoveryException refused)
        {
            return new Reply<T>(null, JsonSerializer.SerializeToUtf8Bytes(refused.Error, Options));
        }
        catch (StaleAppendException stale)
        {
            var error = new RecoveryError(RecoveryErrorCode.StaleWriter, stale.Message, "Nothing was written.", "Repeat the call: it reaches the activation that writes.");
            return new Reply<T>(null, JsonSerializer.SerializeToUtf8Bytes(error, Options));
        }
    }

    internal static Task<Reply<Nothing>> ReplyAsync(Func<Task> call) => ReplyAsync(async () =>
    {
        await call();
        return Nothing.Value;
    });

    // Between silos a message is not bounded as one from a stranger is (MessageCodec): a vote carries as much as its agent did.
    private static void NameMessages(JsonTypeInfo info)
    {
        if (info.Type == typeof(ParticipantMessage))
        {
            info.PolymorphismOptions = new JsonPolymorphismOptions { TypeDiscriminatorPropertyName = "type" };
            foreach (var message in typeof(ParticipantMessage).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(ParticipantMessage))))
            {
                info.PolymorphismOptions.DerivedTypes.Add(new JsonDerivedType(message, JsonNamingPolicy.SnakeCaseLower.ConvertName(message.Name)));
            }
        }
    }
}
