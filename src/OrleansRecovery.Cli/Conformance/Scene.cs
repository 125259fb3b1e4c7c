using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Cli.Conformance;

/// <summary>An answer of the implementation under test.</summary>
internal sealed record Exchange(int Status, string? MediaType, string Text)
{
    internal string? Error => MediaType == "application/problem+json" && Json is JsonObject problem && problem["error"] is JsonValue error && error.TryGetValue<string>(out var name) ? name : null;

    /// <summary>The content; null when it is no JSON.</summary>
    internal JsonNode? Json
    {
        get
        {
            try
            {
                return JsonNode.Parse(Text);
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    public override string ToString() => $"{Status} {(Error is { } error ? error : Text[..Math.Min(Text.Length, 200)])}";
}

/// <summary>
/// One execution at the coordinator under test. Outside sends to a, which acts and sends to b, which acts too; c has consumed nothing. The tool plays all three,
/// as honest participants, message by message.
/// </summary>
internal sealed class Scene(HttpClient http, Uri server, ExecutionAddress execution)
{
    private const string Json = "application/json";
    private const string Message = "application/agent-recovery+json";

    private readonly Dictionary<AgentId, (AgentHistory History, ParticipantState Participant)> _agents = [];

    internal static AgentId A { get; } = AgentId.Parse("a");

    internal static AgentId B { get; } = AgentId.Parse("b");

    internal static AgentId C { get; } = AgentId.Parse("c");

    internal ExecutionAddress Execution => execution;

    internal Uri Messages => At("messages");

    internal static async Task<Scene> StartAsync(HttpClient http, Uri server, string agentClass)
    {
        var scene = new Scene(http, server, new ExecutionAddress(TenantId.Parse("conformance"), ExecutionId.Parse($"e-{Guid.NewGuid():N}")));
        var agents = new JsonArray([.. new[] { A, B, C }.Select(agent => (JsonNode)new JsonObject { ["agent"] = agent.Text, ["class"] = agentClass })]);
        await scene.DoAsync(HttpMethod.Put, scene.At(""), new JsonObject { ["agents"] = agents, ["policy"] = new JsonObject { ["vote_timeout_milliseconds"] = 300, ["vote_try_count_max"] = 100 } });
        var input = await scene.DoAsync(HttpMethod.Post, scene.At("agents/a/inputs"), new JsonObject { ["type"] = "Order", ["payload"] = "x" });
        var sequence = (long)input.Json!["message"]!["sequence"]!;
        await scene.AppendAsync(A, [.. Turn(Outside.Agent, sequence, CheckpointNumber.First), new MessageSent(B, "Order", JsonSerializer.SerializeToElement("y"), DependencyKind.Message, DependencyStrength.Required), End]);
        await scene.AppendAsync(B, [.. Turn(A, 5, CheckpointNumber.Of(1)), End]);
        await scene.AppendAsync(C, [Opened(0, IntervalCause.Start)]);
        return scene;
    }

    internal Task<Exchange> PostAsync(RecoveryMessage message) => PostAsync(MessageCodec.Write(new AddressedMessage(execution, message)));

    internal Task<Exchange> PostAsync(byte[] content) => SendAsync(HttpMethod.Post, Messages, content, Message);

    internal Task<Exchange> GetAsync(string path) => SendAsync(HttpMethod.Get, At(path), null, Json);

    /// <summary>What is there once it is so, or when that takes too long.</summary>
    internal async Task<Exchange> UntilAsync(string path, Func<JsonNode, bool> isSo, TimeSpan patience)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var there = await GetAsync(path);
            if ((there.Json is { } json && isSo(json)) || TimeProvider.System.GetElapsedTime(began) > patience)
            {
                return there;
            }

            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Tries to write a record that no honest participant writes.</summary>
    internal Task<Exchange> RecordAsync(AgentId agent, AgentEvent record)
    {
        var content = new JsonObject { ["at"] = _agents[agent].History.Next.Number, ["records"] = new JsonArray(JsonNode.Parse(AgentEventJson.Write(record))) };
        return SendAsync(HttpMethod.Post, At($"agents/{agent}/records"), Encoding.UTF8.GetBytes(content.ToJsonString()), Json);
    }

    internal Task<Exchange> RuleAsync(RecoveryId recovery, string ruling, long plan) => SendAsync(
        HttpMethod.Post, At($"recoveries/{recovery}/rulings"), Encoding.UTF8.GetBytes(new JsonObject { ["ruling"] = ruling, ["plan"] = plan, ["by"] = "operator", ["reason"] = "conformance" }.ToJsonString()), Json);

    internal FailureSignal Signal(AgentId suspect, long interval, string? id = null, TimeSpan? age = null)
    {
        var now = TimeProvider.System.GetUtcNow().Subtract(age ?? TimeSpan.Zero).ToUnixTimeMilliseconds();
        return new FailureSignal(
            SignalId.Parse(id ?? $"s-{Guid.NewGuid():N}"), IssuerId.Parse("conformance"), execution.Tenant, execution.Execution,
            new Interval(suspect, CheckpointNumber.Of(interval)), _agents[suspect].History.Incarnation, FailureReason.InvalidOutput, now, now + 60_000);
    }

    /// <summary>What an honest participant does about a message: its journal first, then its answers.</summary>
    internal async Task<IReadOnlyList<ParticipantMessage>> AnswerAsync(ParticipantMessage message, Func<ParticipantMessage, ParticipantMessage>? change = null, CompensationResult result = CompensationResult.Compensated)
    {
        var (history, participant) = _agents[message.Agent];
        ParticipantInput input = message switch
        {
            Prepare prepare => new ParticipantInput.Prepare(prepare, UndoEstimate.Of(history, prepare.Suspects, prepare.Invalidated, System.Collections.Immutable.ImmutableHashSet<CheckpointNumber>.Empty)),
            Commit commit => new ParticipantInput.Commit(commit),
            Compensate compensate => new ParticipantInput.Compensate(compensate),
            Restore restore => new ParticipantInput.Restore(restore, history.Incarnation, history.Current, 0),
            Release release => new ParticipantInput.Release(release, history.Incarnation, history.Current, 0),
            _ => new ParticipantInput.Abort((Abort)message),
        };
        var answers = new List<ParticipantMessage>();
        await ApplyAsync(message.Agent, input, answers);
        if (message is Compensate asked)
        {
            foreach (var action in asked.Actions)
            {
                await ApplyAsync(message.Agent, new ParticipantInput.Settled(action, asked.Try, result, 1, null), answers);
            }
        }

        foreach (var answer in answers)
        {
            await PostAsync(change?.Invoke(answer) ?? answer);
        }

        return answers;
    }

    private static IntervalOpened Opened(long number, IntervalCause cause) => new(CheckpointNumber.Of(number), Incarnation.First, cause, 0);

    private static AgentEvent End => new TurnEnded(new string('0', 64), false);

    private static IEnumerable<AgentEvent> Turn(AgentId sender, long sequence, CheckpointNumber sentIn) =>
    [
        Opened(0, IntervalCause.Start),
        Opened(1, IntervalCause.Message),
        new MessageConsumed(new MessageId(sender, SequenceNumber.Of(sequence)), sentIn, Incarnation.First, DependencyKind.Message, DependencyStrength.Required, true),
        new ActionIntended("act", ActionClass.Compensatable, JsonSerializer.SerializeToElement("x"), false, true),
        new ActionSettled(SequenceNumber.Of(3), true, JsonSerializer.SerializeToElement("x")),
    ];

    private async Task ApplyAsync(AgentId agent, ParticipantInput input, List<ParticipantMessage> answers)
    {
        var step = ParticipantMachine.Apply(_agents[agent].Participant, input);
        if (step.Effects.OfType<ParticipantEffect.Persist>().Select(persist => persist.Record).ToList() is { Count: > 0 } records)
        {
            await AppendAsync(agent, records);
        }

        answers.AddRange(step.Effects.OfType<ParticipantEffect.Send>().Select(send => send.Message));
    }

    private async Task AppendAsync(AgentId agent, IReadOnlyList<AgentEvent> records)
    {
        var (history, participant) = _agents.GetValueOrDefault(agent, (new AgentHistory(agent), ParticipantState.Initial(agent)));
        var list = new JsonArray([.. records.Select(record => JsonNode.Parse(AgentEventJson.Write(record)))]);
        await DoAsync(HttpMethod.Post, At($"agents/{agent}/records"), new JsonObject { ["at"] = history.Next.Number, ["records"] = list });
        foreach (var record in records)
        {
            history.Apply(record);
            participant = participant.After(record);
        }

        _agents[agent] = (history, participant);
    }

    // What a check rests on, and is no check itself.
    private async Task<Exchange> DoAsync(HttpMethod method, Uri at, JsonObject content)
    {
        var done = await SendAsync(method, at, Encoding.UTF8.GetBytes(content.ToJsonString()), Json);
        return done.Status < 300
            ? done
            : throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"{method} {at.AbsolutePath} was answered {done}.", "The requirements could not be checked.", "Serve the resources of docs/http.md, and enrol the tool's class.");
    }

    private async Task<Exchange> SendAsync(HttpMethod method, Uri at, byte[]? content, string mediaType)
    {
        using var request = new HttpRequestMessage(method, at);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", "conformance");
        if (content is not null)
        {
            request.Content = new ByteArrayContent(content);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        }

        using var response = await http.SendAsync(request);
        return new Exchange((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync());
    }

    private Uri At(string path) => new(server, $"/v1/tenants/{execution.Tenant}/executions/{execution.Execution}{(path.Length > 0 ? "/" : "")}{path}");
}
