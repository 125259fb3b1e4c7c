using System.Text.Json;
using Microsoft.Extensions.AI;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Models;

/// <summary>
/// An action that a model may ask for. It is run by the agent's context, and so passes the gate and is compensated as every action; the client of the model is only told of it.
/// </summary>
/// <typeparam name="TState">The agent's state.</typeparam>
public sealed class AgentTool<TState>
    where TState : class, new()
{
    private readonly Func<AgentContext<TState>, JsonElement, Task<JsonElement>> _run;

    private AgentTool(string action, ToolDeclaration declaration, Func<AgentContext<TState>, JsonElement, Task<JsonElement>> run) =>
        (Action, Declaration, _run) = (action, declaration, run);

    /// <summary>The action's name: by it a contract allows the tool.</summary>
    public string Action { get; }

    /// <summary>What the model is told.</summary>
    public ToolDeclaration Declaration { get; }

    /// <summary>Makes an action a tool.</summary>
    /// <param name="action">The action; its argument is an object.</param>
    /// <param name="description">What it does, for the model.</param>
    /// <param name="schema">The schema of its argument; null: the type's.</param>
    /// <exception cref="RecoveryException"><c>ToolNotUsable</c>: the argument is no object.</exception>
    public static AgentTool<TState> Of<TArgument, TResult>(AgentAction<TArgument, TResult> action, string description, JsonElement? schema = null)
    {
        ArgumentNullException.ThrowIfNull(action);
        var told = schema ?? AIJsonUtilities.CreateJsonSchema(typeof(TArgument), serializerOptions: AgentJson.Options);
        if (told.ValueKind != JsonValueKind.Object || !told.TryGetProperty("properties", out _))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.ToolNotUsable, $"The argument of the action '{action.Name}' is no object with properties.", "No model is told of it.", "Give the action a record as its argument, or give the schema.");
        }

        var name = string.Concat(action.Name.Select(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' ? character : '_'));
        return new AgentTool<TState>(
            action.Name,
            new ToolDeclaration(name.Length > 64 ? name[..64] : name, description, told),
            async (context, arguments) =>
            {
                var argument = arguments.Deserialize<TArgument>(AgentJson.Options) ?? throw new JsonException("it is null");
                return JsonSerializer.SerializeToElement(await context.ActAsync(action, argument), AgentJson.Options);
            });
    }

    /// <summary>Runs the action; what the model is told of it. What is in doubt is no answer: it fails the turn.</summary>
    internal async Task<string> RunAsync(AgentContext<TState> context, JsonElement arguments)
    {
        try
        {
            return (await _run(context, arguments)).GetRawText();
        }
        catch (JsonException unreadable)
        {
            return $"Not done: the arguments are not what the tool takes ({unreadable.Message})";
        }
        catch (ActionFailedException failed)
        {
            return $"Failed: {failed.Reason}";
        }
        catch (StepRefusedException refused)
        {
            return $"Refused: {refused.Reason}";
        }
    }
}

/// <summary>What a conversation with tools came to.</summary>
/// <param name="Answer">The model's last answer; it asks for no tool.</param>
/// <param name="Messages">All that was said, the answer included.</param>
public sealed record Conversation(ModelAnswer Answer, IReadOnlyList<ModelMessage> Messages);

/// <summary>Conversations in which a model asks for tools.</summary>
public static class ToolExtensions
{
    /// <summary>
    /// Asks a model, runs the tools that it asks for, tells it what they came to, and so on until it asks for none. In a task the model is told only of tools that the
    /// contract allows. What it asks for besides is not run, and it is told so.
    /// </summary>
    /// <param name="context">The handler's.</param>
    /// <param name="model">The model.</param>
    /// <param name="request">The first question.</param>
    /// <param name="tools">What it may ask for.</param>
    /// <param name="roundCountMax">So many answers may ask for tools; default 8.</param>
    /// <exception cref="ModelException">As <see cref="ModelExtensions.ChatAsync"/>.</exception>
    /// <exception cref="RecoveryException"><c>ToolRoundsExceeded</c>: it asked for tools again and again; <c>ToolNotUsable</c>: two tools have one name for the model.</exception>
    public static async Task<Conversation> ChatAsync<TState>(
        this AgentContext<TState> context, AgentAction<ModelRequest, ModelAnswer> model, ModelRequest request, IReadOnlyList<AgentTool<TState>> tools, int roundCountMax = 8)
        where TState : class, new()
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(request);
        var allowed = tools.Where(tool => context.CurrentTask is not { } task || task.Contract.AllowedActions.Contains(tool.Action, StringComparer.Ordinal)).ToList();
        var messages = request.Messages.ToList();
        RefuseDoubles(allowed.ConvertAll(tool => tool.Declaration.Name));
        for (var round = 0; round <= roundCountMax; round++)
        {
            var answer = await context.ChatAsync(model, request with { Messages = [.. messages], Tools = allowed.ConvertAll(tool => tool.Declaration) });
            messages.Add(new ModelMessage(ModelRole.Assistant, answer.Text) { ToolCalls = answer.ToolCalls });
            if (answer.ToolCalls.Count == 0)
            {
                return new Conversation(answer, messages);
            }

            foreach (var call in round < roundCountMax ? answer.ToolCalls : [])
            {
                var tool = allowed.Find(known => known.Declaration.Name == call.Name);
                var said = tool is null ? $"Not done: there is no tool {call.Name}." : await tool.RunAsync(context, call.Arguments);
                messages.Add(new ModelMessage(ModelRole.Tool, said) { AnswersCall = call.Id });
            }
        }

        throw RecoveryException.Of(
            RecoveryErrorCode.ToolRoundsExceeded,
            $"The model asked for tools {roundCountMax + 1} times in a row.",
            "Its last calls were not run; what was run before stands, unless the turn fails.",
            "Allow more rounds, ask a stronger tier, or give it fewer tools.");
    }

    private static void RefuseDoubles(List<string> names)
    {
        if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.ToolNotUsable, $"Two tools are called {twice.Key} for the model.", "The model was not asked.", "Name actions so that they differ in letters, digits, _ and - alone.");
        }
    }
}
