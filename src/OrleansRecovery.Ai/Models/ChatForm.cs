using System.Text.Json;
using Microsoft.Extensions.AI;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Models;

/// <summary>Between our words and those of <see cref="IChatClient"/>. Tools are declared to it and never given to be called.</summary>
internal static class ChatForm
{
    internal static IEnumerable<ChatMessage> MessagesOf(ModelRequest request) => request.Messages.Select(message =>
    {
        var contents = new List<AIContent>();
        if (message.AnswersCall is { } answered)
        {
            contents.Add(new FunctionResultContent(answered, message.Text));
        }
        else if (message.Text.Length > 0)
        {
            contents.Add(new TextContent(message.Text));
        }

        contents.AddRange(message.ToolCalls.Select(call => new FunctionCallContent(
            call.Id, call.Name, call.Arguments.EnumerateObject().ToDictionary(argument => argument.Name, argument => (object?)argument.Value, StringComparer.Ordinal))));
        return new ChatMessage(RoleOf(message.Role), contents);
    });

    internal static ChatOptions OptionsOf(ModelRequest request, string? model) => new()
    {
        ModelId = model,
        MaxOutputTokens = request.MaxOutputTokens,
        ResponseFormat = request.WantsJson ? ChatResponseFormat.Json : null,
        Tools = request.Tools.Count == 0 ? null : [.. request.Tools.Select(tool => AIFunctionFactory.CreateDeclaration(tool.Name, tool.Description, tool.Schema))],
    };

    /// <summary>What a response says, without the provider's key.</summary>
    /// <exception cref="ProviderFailedException">What it wants to be called is no call.</exception>
    internal static (string Text, IReadOnlyList<ToolCall> Calls) Read(ModelProvider provider, ChatResponse response)
    {
        try
        {
            var calls = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()
                .Select(call => call.Exception is { } unreadable
                    ? throw new ProviderFailedException(TryFailure.Malformed, null, unreadable)
                    : new ToolCall(call.CallId, call.Name, JsonElement.Parse(provider.Redact(JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), AgentJson.Options)))))
                .ToList();
            return (provider.Redact(response.Text), calls);
        }
        catch (Exception unreadable) when (unreadable is JsonException or NotSupportedException)
        {
            throw new ProviderFailedException(TryFailure.Malformed, null, unreadable);
        }
    }

    private static ChatRole RoleOf(ModelRole role) => role switch
    {
        ModelRole.System => ChatRole.System,
        ModelRole.User => ChatRole.User,
        ModelRole.Assistant => ChatRole.Assistant,
        ModelRole.Tool => ChatRole.Tool,
    };
}
