using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>
/// What the ledger says about a recovery: signal, plan, each vote, decision, each compensation, each restore, operators' rulings and the outcome
/// (recovery model, section 3, step 5). A function of the machine's steps, so that no host decides what is recorded.
/// </summary>
public static class LedgerEntries
{
    /// <summary>The entries of a recovery that was opened.</summary>
    public static IReadOnlyList<LedgerEntry> OfOpening(RecoveryOpening opening) =>
    [
        Entry(RecoveryRecordKind.RecoveryOpened, opening.Recovery, opening.Execution, new JsonObject
        {
            ["signals"] = Array(opening.Signals.Select(signal => signal.Signal.Text)),
            ["suspects"] = Array(opening.Signals.Select(signal => signal.Suspect.ToString())),
        }),
    ];

    /// <summary>The entries of what happened to an execution: an admitted signal, and what an operator decided about the execution as a whole.</summary>
    public static IReadOnlyList<LedgerEntry> Of(ExecutionId execution, ExecutionInput input)
    {
        switch (input.Kind)
        {
            case ExecutionInputKind.Signalled:
                return [OfSignal(((ExecutionInput.Signalled)input).Signal)];
            case ExecutionInputKind.Paused:
                var paused = (ExecutionInput.Paused)input;
                return [OfOperator(execution, "pause", paused.By, paused.Reason)];
            case ExecutionInputKind.Continued:
                var continued = (ExecutionInput.Continued)input;
                return [OfOperator(execution, "resume", continued.By, continued.Reason)];
            case ExecutionInputKind.RecoveryAllowed:
                var allowed = (ExecutionInput.RecoveryAllowed)input;
                return [OfOperator(execution, Name(Ruling.Approve), allowed.By, allowed.Reason)];
            case ExecutionInputKind.Stopped:
                var stopped = (ExecutionInput.Stopped)input;
                return [OfOperator(execution, Name(Ruling.Reject), stopped.By, stopped.Reason)];
            case ExecutionInputKind.RecoveryDecided:
            case ExecutionInputKind.RecoveryEnded:
                return []; // the recovery's own entries tell of it
        }

        return [];
    }

    /// <summary>The entry of an admitted signal.</summary>
    public static LedgerEntry OfSignal(FailureSignal signal) => new(
        RecoveryRecordKind.SignalAccepted, SignalBody(signal, null), signal.Execution, null, signal.Issuer);

    /// <summary>The entry of a refused signal, with the reason.</summary>
    public static LedgerEntry OfRefusal(FailureSignal signal, string reason) => new(
        RecoveryRecordKind.SignalRefused, SignalBody(signal, reason), signal.Execution, null, signal.Issuer);

    /// <summary>The entries of a step of the machine.</summary>
    public static IReadOnlyList<LedgerEntry> Of(CoordinatorState before, CoordinatorInput input, CoordinatorState after)
    {
        var entries = new List<LedgerEntry>();
        if (OfInput(after, input) is { } entry)
        {
            entries.Add(entry);
        }

        if (!before.IsDecided && after.IsDecided)
        {
            var targets = new JsonObject(after.Targets.Select(target => KeyValuePair.Create(target.Key.Text, (JsonNode?)target.Value.Number)));
            entries.Add(Entry(RecoveryRecordKind.Decided, after, new JsonObject { ["targets"] = targets, ["plan"] = after.Plan }));
        }

        if (after.Escalation is { } escalation && before.Escalation != escalation)
        {
            entries.Add(Entry(RecoveryRecordKind.Escalated, after, new JsonObject { ["reason"] = Name(escalation.Reason) }));
        }

        if (!before.Phase.IsTerminal() && after.Phase.IsTerminal())
        {
            entries.Add(Entry(RecoveryRecordKind.Outcome, after, OutcomeBody(after)));
        }

        return entries;
    }

    private static LedgerEntry? OfInput(CoordinatorState after, CoordinatorInput input)
    {
        switch (input.Kind)
        {
            case CoordinatorInputKind.Planned:
                return Entry(RecoveryRecordKind.Planned, after, new JsonObject { ["members"] = Array(after.Members.Keys.Select(agent => agent.Text)) });
            case CoordinatorInputKind.Voted:
                var vote = ((CoordinatorInput.Voted)input).Vote;
                return Entry(RecoveryRecordKind.Voted, after, new JsonObject
                {
                    ["agent"] = vote.Agent.Text,
                    ["answer"] = Name(vote.Answer),
                    ["target"] = vote.Target.Number,
                    ["incarnation"] = vote.Incarnation.Number,
                    ["objections"] = Array(vote.Objections.Select(objection => $"{Name(objection.Reason)} {objection.Action}".TrimEnd())),
                });
            case CoordinatorInputKind.CompensationReported:
                var compensated = ((CoordinatorInput.CompensationReported)input).Message;
                return Entry(RecoveryRecordKind.CompensationSettled, after, new JsonObject
                {
                    ["action"] = new ActionId(compensated.Agent, compensated.Action).ToString(),
                    ["result"] = Name(compensated.Result),
                    ["attempts"] = compensated.Attempts,
                    ["detail"] = compensated.Detail,
                });
            case CoordinatorInputKind.RestoreReported:
                var restored = ((CoordinatorInput.RestoreReported)input).Message;
                return Entry(RecoveryRecordKind.Restored, after, new JsonObject
                {
                    ["agent"] = restored.Agent.Text,
                    ["incarnation"] = restored.Incarnation.Number,
                    ["interval"] = restored.Opens.Number,
                });
            case CoordinatorInputKind.Ruled:
                var ruled = (CoordinatorInput.Ruled)input;
                var body = new JsonObject { ["ruling"] = Name(ruled.Ruling), ["reason"] = ruled.Reason };
                return Entry(RecoveryRecordKind.OperatorDecided, after, body) with { Actor = ruled.By };
            case CoordinatorInputKind.Joined:
                var signal = ((CoordinatorInput.Joined)input).Signal;
                return Entry(RecoveryRecordKind.Planned, after, new JsonObject { ["joined"] = signal.Signal.Text, ["suspect"] = signal.Suspect.ToString() });
            case CoordinatorInputKind.DecisionDurable:
            case CoordinatorInputKind.Asked:
            case CoordinatorInputKind.Ticked:
            case CoordinatorInputKind.Resumed:
                return null;
        }

        return null;
    }

    private static JsonObject OutcomeBody(CoordinatorState state)
    {
        var body = new JsonObject
        {
            ["result"] = Name(state.Phase),
            ["agents"] = Array(state.IsDecided ? state.Falling.Select(member => member.Key.Text) : []),
            ["residue"] = new JsonArray([.. state.Residue.Select(JsonNode (residue) => new JsonObject
            {
                ["agent"] = residue.Agent.Text,
                ["action"] = residue.Action?.Number,
                ["name"] = residue.Name,
                ["reason"] = Name(residue.Reason),
            })]),
            ["issuers"] = Array(state.Signals.Select(signal => signal.Issuer.Text).Distinct().Order(StringComparer.Ordinal)),
        };
        if (state.AbortReason is { } reason)
        {
            body["reason"] = Name(reason);
        }

        return body;
    }

    private static JsonElement SignalBody(FailureSignal signal, string? refusal) => Element(new JsonObject
    {
        ["signal"] = signal.Signal.Text,
        ["suspect"] = signal.Suspect.ToString(),
        ["reason"] = Name(signal.Reason),
        ["detected_at"] = signal.DetectedAt,
        ["evidence_digest"] = signal.EvidenceDigest,
        ["detail"] = signal.Detail,
        ["refused"] = refusal,
    });

    private static LedgerEntry OfOperator(ExecutionId execution, string ruling, IssuerId by, string reason) => new(
        RecoveryRecordKind.OperatorDecided, Element(new JsonObject { ["ruling"] = ruling, ["reason"] = reason }), execution, null, by);

    private static LedgerEntry Entry(RecoveryRecordKind kind, CoordinatorState state, JsonObject body) =>
        Entry(kind, state.Recovery, state.Opening.Execution, body);

    private static LedgerEntry Entry(RecoveryRecordKind kind, RecoveryId recovery, ExecutionId execution, JsonObject body) =>
        new(kind, Element(body), execution, recovery);

    private static JsonElement Element(JsonObject body)
    {
        foreach (var empty in body.Where(member => member.Value is null).Select(member => member.Key).ToList())
        {
            body.Remove(empty);
        }

        using var document = JsonDocument.Parse(body.ToJsonString());
        return document.RootElement.Clone();
    }

    private static JsonArray Array(IEnumerable<string> items) => new([.. items.Select(item => (JsonNode?)JsonValue.Create(item))]);

    private static string Name<T>(T value)
        where T : struct, Enum =>
        WireNames.Of(value);
}
