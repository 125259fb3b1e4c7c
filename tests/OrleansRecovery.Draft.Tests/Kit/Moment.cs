using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Draft.Tests.Kit.VectorFile;

namespace OrleansRecovery.Draft.Tests.Kit;

/// <summary>A participant after an input: its state, its journal, the compensations that run, and the step that led here.</summary>
internal sealed record Moment(
    Moment? Previous,
    ParticipantInput? Input,
    ParticipantState State,
    ImmutableList<AgentEvent> Journal,
    ImmutableSortedSet<SequenceNumber> Running,
    MachineStep<ParticipantState, ParticipantEffect>? Step)
{
    private AgentHistory? _history;

    /// <summary>The fold of the journal.</summary>
    public AgentHistory History => _history ??= Fold();

    /// <summary>The row that was taken.</summary>
    public string Row => Step!.Row;

    /// <summary>What led here, the first moment first.</summary>
    public IEnumerable<Moment> Before => Previous is null ? [] : Previous.Before.Append(Previous);

    /// <summary>Names the way here.</summary>
    public string Path => Previous is null ? "" : $"{Previous.Path}|{InputJson(Input!).ToJsonString()}";

    /// <summary>Two moments with the same key go on in the same way.</summary>
    public string Key
    {
        get
        {
            var promise = State.Promise is { } bound
                ? $"{bound.Vote.Recovery} {bound.Vote.Plan} {bound.Vote.Answer} {bound.Vote.Target} {bound.FromQuarantine} {string.Join(' ', bound.Settled.Values.Select(done => (done.Result, done.Try)))}"
                : "";
            return string.Join(';', State.Phase, State.Epoch, promise, State.LastRestored?.Recovery, string.Join(' ', State.Barriers.Keys), string.Join(' ', State.Ended),
                string.Join(' ', Running), History.Incarnation, string.Join(' ', History.Live.Select(interval => interval.Number)));
        }
    }

    /// <summary>What the last step was like: its row, its phase, and the kinds of its outputs.</summary>
    public string Signature => $"{Row} {State.Phase} {string.Join(' ', Outputs().Select(output => KindOf(output.AsObject())))}";

    public Moment Then(ParticipantInput input)
    {
        var step = ParticipantMachine.Apply(State, input);
        var records = step.Effects.OfType<ParticipantEffect.Persist>().Select(effect => effect.Record).ToList();
        var running = step.Effects.OfType<ParticipantEffect.RunCompensations>().SelectMany(effect => effect.Actions);
        return new Moment(
            this,
            input,
            step.State,
            Journal.AddRange(records),
            input is ParticipantInput.Settled settled ? Running.Remove(settled.Action) : Running.Union(running),
            step);
    }

    public JsonObject ToJson() => new()
    {
        ["input"] = InputJson(Input!),
        ["row"] = Row,
        ["legal"] = Step!.IsLegal,
        ["phase"] = $"{State.Phase}",
        ["outputs"] = Nodes(Outputs()),
    };

    private static string KindOf(JsonObject output)
    {
        var (name, value) = output.Single();
        return value is JsonObject message && message["type"] is { } type ? $"{name}:{type}:{message["answer"] ?? message["result"]}" : $"{name}:{(name == "write" ? value : "")}";
    }

    private static JsonNode InputJson(ParticipantInput input) => input switch
    {
        ParticipantInput.Work => new JsonObject { ["event"] = "work" },
        ParticipantInput.Silence => new JsonObject { ["event"] = "silence" },
        ParticipantInput.Settled settled => Settled(settled),
        ParticipantInput.Prepare prepare => Json(prepare.Message),
        ParticipantInput.Abort abort => Json(abort.Message),
        ParticipantInput.Commit commit => Json(commit.Message),
        ParticipantInput.Compensate compensate => Json(compensate.Message),
        ParticipantInput.Restore restore => Json(restore.Message),
        ParticipantInput.Release release => Json(release.Message),
        _ => throw new InvalidOperationException($"{input.Kind} has no form."),
    };

    private static JsonObject Settled(ParticipantInput.Settled settled)
    {
        var json = new JsonObject
        {
            ["event"] = "settled",
            ["action"] = settled.Action.Number,
            ["try"] = settled.Try,
            ["result"] = WireNames.Of(settled.Result),
            ["attempts"] = settled.Attempts,
        };
        if (settled.Detail is { } detail)
        {
            json["detail"] = detail;
        }

        return json;
    }

    private IEnumerable<JsonNode> Outputs() => Step!.Effects.Select(JsonNode (effect) => effect switch
    {
        ParticipantEffect.Persist persist => new JsonObject { ["write"] = JsonNamingPolicy.SnakeCaseLower.ConvertName($"{persist.Record.Kind}") },
        ParticipantEffect.Send send => new JsonObject { ["send"] = Json(send.Message) },
        ParticipantEffect.RunCompensations run => new JsonObject
        {
            ["compensate"] = new JsonObject { ["try"] = run.Try, ["actions"] = List(run.Actions.Select(action => action.Number)) },
        },
        ParticipantEffect.LoadTarget => new JsonObject { ["restore_to"] = ((RolledBack)Journal[^1]).Target.Number },
        ParticipantEffect.Resume => new JsonObject { ["resume"] = true },
        _ => throw new InvalidOperationException($"{effect.Kind} has no form."),
    });

    private AgentHistory Fold()
    {
        var history = new AgentHistory(State.Agent);
        Journal.ForEach(history.Apply);
        return history;
    }
}
