using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>What came back for a task: a result, a refusal, or something that is neither.</summary>
internal sealed record TaskAnswer(string Type, TaskResult? Result, TaskRefusal? Refusal)
{
    /// <summary>What it says that the task has cost; null where it does not say it, or nothing that can be.</summary>
    internal Charge? Spent => (Result?.Spent ?? Refusal?.Spent) is { IsInRange: true } spent ? spent : null;

    /// <summary>What a replay says again of a message: not what a task had cost by then.</summary>
    internal static JsonElement WithoutSpent(string type, JsonElement payload) => Of(type, payload) switch
    {
        { Result: { } result } => TaskJson.Write(result with { Spent = default }),
        { Refusal: { } refusal } => TaskJson.Write(refusal with { Spent = default }),
        _ => payload,
    };

    internal static TaskAnswer Of(string type, JsonElement payload) => new(
        type,
        type == TaskResult.TypeName ? TaskJson.TryReadResult(payload) : null,
        type == TaskRefusal.TypeName ? TaskJson.TryReadRefusal(payload) : null);
}

/// <summary>A task that the agent delegated in an earlier turn, as its journal tells of it.</summary>
/// <param name="Task">Where its first request stands.</param>
/// <param name="First">That request.</param>
/// <param name="Request">Where its last request stands.</param>
/// <param name="Last">That request.</param>
/// <param name="Verdict">What became of the last result; null when there is none yet.</param>
/// <param name="ResponseType">The type of what came back last.</param>
/// <param name="Response">What came back last.</param>
/// <param name="Charged">Where it was delegated within a task that it is still charged to, and how much; null when it was not, or that is settled.</param>
internal sealed record KnownTask(
    SequenceNumber Task,
    TaskRequest First,
    SequenceNumber Request,
    TaskRequest Last,
    Judgement? Verdict = null,
    string? ResponseType = null,
    JsonElement? Response = null,
    ChargedStep? Charged = null)
{
    internal const string StepName = "@delegated";

    /// <summary>Reads what there is from the agent's own journal; what is undone does not count.</summary>
    internal static async Task<KnownTask> ReadAsync(AgentDriver driver, string key, CancellationToken cancellationToken)
    {
        var (setup, history) = (driver.Setup, driver.History);
        KnownTask? found = null;
        MessageId? response = null;
        ChargedStep? charged = null;
        var verdicts = new Dictionary<SequenceNumber, SequenceNumber>();
        var first = history.SentWith(key)!.Value;
        var from = first > history.CollectedFrom ? SequenceNumber.Of(first.Number - 1) : first;
        await foreach (var (position, record) in AgentJournal.ReadFromAsync(setup.Journal, setup.Stream, from, cancellationToken))
        {
            switch (record)
            {
                case ActionIntended { Gate: { Step: GateStep.Delegation, Refusal: null } gate } intended
                    when position == from && intended.Argument.ValueKind == JsonValueKind.String && intended.Argument.ValueEquals(key):
                    charged = new ChargedStep(position, gate.Charge);
                    break;
                case ActionSettled settled when settled.Action == charged?.Step:
                    charged = null; // for good, also in a turn that is undone
                    break;
                case var undone when undone.IsWork && !history.IsLive(position):
                    break;
                case MessageSent { Type: TaskRequest.TypeName } sent when sent.Key == key || sent.Key?.StartsWith(key + "/", StringComparison.Ordinal) == true:
                    var request = TaskJson.ReadRequest(sent.Payload);
                    found = found is null ? new KnownTask(position, request, position, request) : found with { Request = position, Last = request, Verdict = null };
                    break;
                case MessageConsumed { InReplyTo: { } answered } consumed when answered == found?.Request:
                    response = consumed.Message;
                    break;
                case ActionIntended { Name: Judgement.StepName, Gate: null } verdict when verdict.Argument.GetInt64() == found?.Request.Number:
                    verdicts[position] = found.Request;
                    break;
                case ActionSettled settled when verdicts.ContainsKey(settled.Action):
                    found = found! with { Verdict = settled.Result.Deserialize<Judgement>(AgentJson.Options) };
                    break;
            }
        }

        if (found is { Verdict: not null } && response is { } message)
        {
            var told = await setup.Environment.ReadMessageAsync(message, cancellationToken);
            found = found with { ResponseType = told.Type, Response = told.Payload };
        }

        return found! with { Charged = charged };
    }
}

/// <summary>A step that a task was charged for.</summary>
/// <param name="Step">Its intent.</param>
/// <param name="Reserved">How much.</param>
internal sealed record ChargedStep(SequenceNumber Step, Charge Reserved);
