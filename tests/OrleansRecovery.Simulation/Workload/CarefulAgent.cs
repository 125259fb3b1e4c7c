using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Simulation.Workload;

/// <summary>A script, and the causes of whoever sent it.</summary>
internal sealed record Work(Script Script, IReadOnlyList<string> Causes);

/// <summary>A script that is to be answered.</summary>
internal sealed record Question(Script Script, IReadOnlyList<string> Causes);

/// <summary>The answer.</summary>
internal sealed record Answer(IReadOnlyList<string> Causes);

/// <summary>What an action is given.</summary>
internal sealed record Argument(ExecutionAddress Execution, string Name, string Interval, IReadOnlyList<string> Causes);

/// <summary>What an agent remembers: its causes, and the scripts that it did.</summary>
internal sealed record CarefulState
{
    public IReadOnlyList<string> Causes { get; init; } = [];

    public IReadOnlyList<string> Done { get; init; } = [];
}

/// <summary>An agent that does scripts, and writes onto everything it makes what it was made of.</summary>
internal sealed class CarefulAgent(Func<ExecutionAddress, OutsideWorld> worlds, TimeProvider time) : Agent<CarefulState>
{
    protected override void Define(AgentDefinition<CarefulState> agent)
    {
        var act = agent.Compensatable<Argument, string>("act", DoAsync, UndoAsync);
        var write = agent.Compensatable<Argument, string>("write", DoAsync, UndoAsync);
        var final = agent.Irrevocable<Argument, string>("final", DoAsync);
        agent.On<Work>(async (work, context) => await RunAsync(context, work.Script, work.Causes, act, write, final));
        agent.On<Question>(async (question, context) =>
            context.Reply(new Answer(await RunAsync(context, question.Script, question.Causes, act, write, final))));
    }

    private async Task<IReadOnlyList<string>> RunAsync(
        AgentContext<CarefulState> context,
        Script script,
        IReadOnlyList<string> given,
        AgentAction<Argument, string> act,
        AgentAction<Argument, string> write,
        AgentAction<Argument, string> final)
    {
        var causes = new SortedSet<string>(context.State.Causes, StringComparer.Ordinal);
        causes.UnionWith(given);
        var outside = worlds(context.Execution);
        foreach (var step in script.Steps)
        {
            causes.Add(Cause.Of(context.Interval));
            switch (step.Verb)
            {
                case Verb.Act:
                    await TryAsync(context, act, Argue("act"), causes);
                    break;
                case Verb.Write:
                    await TryAsync(context, write, Argue("write"), causes);
                    break;
                case Verb.Final:
                    await TryAsync(context, final, Argue("final"), causes);
                    break;
                case Verb.Record:
                    await context.RecordAsync("look", _ => Task.FromResult(outside.Read($"{script.Id} {context.Interval} look").Writer ?? string.Empty));
                    break;
                case Verb.Read:
                    var read = await context.RecordAsync("read", _ => Task.FromResult(outside.Read($"{script.Id} {context.Interval} read")));
                    if (read.Writer is { } writer)
                    {
                        if (Parse(writer) is var producer && producer.Agent != context.Agent)
                        {
                            context.Declare(producer, DependencyKind.Artifact);
                        }

                        causes.UnionWith(read.Causes);
                    }

                    break;
                case Verb.Checkpoint:
                    await context.CheckpointAsync();
                    break;
                case Verb.Send:
                    context.Send(AgentId.Parse(step.To!), new Work(step.Then!, [.. causes]));
                    break;
                case Verb.Ask:
                    var answer = await context.AskAsync<Question, Answer>(AgentId.Parse(step.To!), new Question(step.Then!, [.. causes]));
                    causes.UnionWith(answer.Causes);
                    break;
                case Verb.Fail:
                    if (outside.FailsNow(script.Id))
                    {
                        context.SignalFailure($"{script.Id} fails");
                    }

                    break;
            }
        }

        causes.Add(Cause.Of(context.Interval));
        context.State = new CarefulState { Causes = [.. causes], Done = [.. context.State.Done, script.Id] };
        return [.. causes];

        Argument Argue(string name) => new(context.Execution, name, context.Interval.ToString(), [.. causes]);
    }

    private static async Task TryAsync(AgentContext<CarefulState> context, AgentAction<Argument, string> action, Argument argument, SortedSet<string> causes)
    {
        try
        {
            causes.Add(await context.ActAsync(action, argument));
        }
        catch (ActionFailedException)
        {
            // It has had no effect, and the agent goes on without.
        }
    }

    private async Task<string> DoAsync(Argument argument, ActionContext context)
    {
        await worlds(argument.Execution).DoAsync(context.Action, new Deed(argument.Name, Parse(argument.Interval), argument.Causes, argument.Name == "final"), time);
        return Cause.Of(context.Action);
    }

    private Task UndoAsync(Argument argument, string? result, CompensationContext context) => worlds(argument.Execution).UndoAsync(context.Action, context.InDoubt, context.Attempt, time);

    private static Interval Parse(string text) => text.Split('/') is [var agent, var number]
        ? new Interval(AgentId.Parse(agent), CheckpointNumber.Of(long.Parse(number, System.Globalization.CultureInfo.InvariantCulture)))
        : throw new ArgumentException(text, nameof(text));
}
