using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace OrleansRecovery.Ai.Models;

/// <summary>A model that says what a script says: for samples that run offline, and for tests.</summary>
/// <param name="script">What is answered to a conversation; it may throw, as providers do. Called in the order of the questions.</param>
public sealed class ScriptedChatClient(Func<IReadOnlyList<ChatMessage>, ChatOptions?, CancellationToken, Task<ChatResponse>> script) : IChatClient
{
    private int _count;

    /// <summary>Answers with texts, one after the other; the last one again and again.</summary>
    public static ScriptedChatClient Of(params IReadOnlyList<string> texts)
    {
        var next = 0;
        return new ScriptedChatClient((_, _, _) => Task.FromResult(Answer(texts[Math.Min(next++, texts.Count - 1)])));
    }

    /// <summary>An answer with its usage: a token for each four characters, and ten that were read.</summary>
    public static ChatResponse Answer(string text) => new(new ChatMessage(ChatRole.Assistant, text))
    {
        FinishReason = ChatFinishReason.Stop,
        ModelId = "scripted",
        Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = ((text ?? "").Length + 3) / 4 },
    };

    /// <summary>How often it was asked.</summary>
    public int CallCount => Volatile.Read(ref _count);

    /// <inheritdoc/>
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _count);
        return script([.. messages], options, cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType?.IsInstanceOfType(this) is true ? this : null;

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
