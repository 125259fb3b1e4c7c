using System.Globalization;
using System.Text;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.TestSupport.Models;

/// <summary>Writes a run as a P test that announces its records to the monitors of <c>tests/models/p/PSpec</c>. A monitor sees what it sees of the model.</summary>
public sealed class TraceExport
{
    private const int EventsOfFunction = 100;

    private static readonly string[] Monitors =
    [
        "S1_NoOrphan", "S2_Maximality", "S4_LineMonotone", "S5_Incarnations", "S6_NoDeadMessage", "S7_NoLostMessage", "S8_CompensatedOnce", "S10_Order",
        "S13_OneDecision", "S14_WriteAhead", "S16_Fence", "Epochs", "L1_EveryRecoveryEnds",
    ];

    private readonly ExecutionTrace _trace;
    private readonly List<AgentId> _agents;
    private readonly List<RecoveryId> _recoveries;
    private readonly Dictionary<RecoveryId, CoordinatorState> _states = [];
    private readonly List<string> _events = [];

    private TraceExport(ExecutionTrace trace)
    {
        _trace = trace;
        _agents = [.. trace.Journals.Keys.Where(agent => agent != Outside.Agent)];
        _recoveries = [.. trace.Log.Select(record => record.Coordinator?.Opened?.Recovery).OfType<RecoveryId>().Order()];
    }

    /// <summary>Writes the test.</summary>
    /// <param name="trace">The run.</param>
    /// <param name="name">Its name, letters and digits.</param>
    /// <param name="folder">Where <c>NAME.p</c> is written.</param>
    /// <returns>How many events the monitors will see.</returns>
    public static int Write(ExecutionTrace trace, string name, string folder)
    {
        var export = new TraceExport(trace);
        foreach (var (agent, position) in TraceMerge.Of(trace))
        {
            if (agent is { } journal)
            {
                export.Tell(journal, position, trace.Journals[journal][(int)position.Number]);
            }
            else
            {
                export.TellLog(position);
            }
        }

        File.WriteAllText(Path.Combine(folder, $"{name}.p"), export.Program(name));
        return export._events.Count;
    }

    private string Program(string name)
    {
        var text = new StringBuilder();
        var parts = _events.Chunk(EventsOfFunction).ToList();
        text.AppendLine(CultureInfo.InvariantCulture, $"machine Replay_{name} {{\n  start state Announcing {{\n    entry {{");
        foreach (var (index, _) in parts.Index())
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"      Part{index}();");
        }

        text.AppendLine("    }\n  }");
        foreach (var (index, part) in parts.Index())
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"\n  fun Part{index}() {{");
            foreach (var announced in part)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"    announce {announced};");
            }

            text.AppendLine("  }");
        }

        text.AppendLine("}\n");
        text.AppendLine(CultureInfo.InvariantCulture, $"test param (mutant in [0]) tcReplay_{name} [main=Replay_{name}]: assert {string.Join(", ", Monitors)} in {{ Replay_{name} }};");
        return text.ToString();
    }

    private void TellLog(SequenceNumber position)
    {
        if (RecoverySteps.Next(_states, _trace.Log[(int)position.Number]) is not { } step)
        {
            return;
        }

        var (before, after) = (step.Before, step.After);
        var recovery = Number(after.Recovery);
        if (before is null)
        {
            Add($"eRecoveryOpened, (recovery = {recovery}, epoch = {after.Epoch.Number})");
        }
        else if (after.Epoch > before.Epoch)
        {
            Add($"eResumed, (recovery = {recovery}, epoch = {after.Epoch.Number})");
        }

        foreach (var signal in after.Signals.Skip(before?.Signals.Count ?? 0))
        {
            Add($"eJoined, (recovery = {recovery}, agent = {Number(signal.Suspect.Agent)}, number = {signal.Suspect.Number.Number})");
        }

        if (step.IsDecision)
        {
            Add($"eDecided, (recovery = {recovery}, line = {Map(after.Targets)})");
        }

        foreach (var residue in after.Residue.Skip(before?.Residue.Count ?? 0).Where(residue => residue.Action is not null))
        {
            Add($"eResidueNamed, (recovery = {recovery}, agent = {Number(residue.Agent)}, action = {residue.Action!.Value.Number})");
        }

        if (step.IsEnd)
        {
            var actions = Set("tActionId", after.Residue.Where(residue => residue.Action is not null)
                .Select(residue => $"(agent = {Number(residue.Agent)}, position = {residue.Action!.Value.Number})"));
            var givenUp = Set("int", after.Members.Where(member => member.Value.IsGivenUp).Select(member => $"{Number(member.Key)}"));
            Add($"eEnded, (recovery = {recovery}, result = {after.Phase}, residue = {actions}, givenUp = {givenUp}, nothing = {Flag(after.AbortReason == AbortReason.NothingToUndo)})");
        }
    }

    private void Tell(AgentId agent, SequenceNumber position, AgentEvent record)
    {
        var me = $"agent = {Number(agent)}";
        var at = position.Number;
        switch (record)
        {
            case IntervalOpened opened:
                Add($"eIntervalOpened, ({me}, number = {opened.Number.Number}, incarnation = {opened.Incarnation.Number})");
                break;
            case MessageConsumed consumed:
                Add($"eMessageConsumed, ({me}, message = {Message(consumed.Message)}, sentIn = {consumed.SentIn.Number}, required = {Flag(consumed.Strength == DependencyStrength.Required)})");
                break;
            case DependencyDeclared declared:
                // As if the producer had sent it, under an id that no message has.
                Add($"eMessageConsumed, ({me}, message = (sender = {Number(declared.Producer.Agent)}, position = -{(at * 1_000) + Number(agent) + 1}), sentIn = {declared.Producer.Number.Number}, required = {Flag(declared.Strength == DependencyStrength.Required)})");
                break;
            case MessageSent sent:
                Add($"eMessageSent, ({me}, position = {at}, receiver = {Number(sent.To)})");
                break;
            case ActionIntended intended:
                Add($"eActionIntended, ({me}, position = {at}, compensatable = {Flag(intended.Class == ActionClass.Compensatable)})");
                break;
            case ActionSettled settled:
                Add($"eActionSettled, ({me}, position = {settled.Action.Number}, succeeded = {Flag(settled.Succeeded)})");
                break;
            case Promised { Vote: var vote }:
                Add($"ePromised, ({me}, recovery = {Number(vote.Recovery)}, plan = {vote.Plan}, target = {vote.Target.Number})");
                break;
            case Barred barred:
                Add($"eBarred, ({me}, recovery = {Number(barred.Vote.Recovery)})");
                break;
            case Unbarred unbarred:
                Add($"eUnbarred, ({me}, recovery = {Number(unbarred.Recovery)})");
                break;
            case PromiseReleased released:
                Add($"ePromiseReleased, ({me}, recovery = {Number(released.Recovery)})");
                break;
            case DecisionLearnt learnt:
                Add($"eDecisionLearnt, ({me}, recovery = {Number(learnt.Recovery)}, target = {learnt.Target.Number})");
                break;
            case CompensationSettled settled:
                var result = settled.Result == CompensationResult.Failed ? "Failed" : "Compensated";
                Add($"eCompensationSettled, ({me}, recovery = {Number(settled.Recovery)}, action = {settled.Action.Number}, result = {result})");
                break;
            case RolledBack rolledBack:
                Add($"eRolledBack, ({me}, recovery = {Number(rolledBack.Recovery)}, target = {rolledBack.Target.Number}, incarnation = {rolledBack.Incarnation.Number}, opens = {rolledBack.Opens.Number})");
                break;
            case Reinstated reinstated:
                Add($"eReinstated, ({me}, recovery = {Number(reinstated.Recovery)}, quarantined = {Flag(reinstated.Quarantined)})");
                break;
            case FenceRaised fence:
                Add($"eFenceRaised, ({me}, epoch = {fence.Epoch.Number})");
                break;
        }
    }

    private void Add(string announced) => _events.Add(announced);

    private int Number(AgentId agent) => _agents.IndexOf(agent); // -1: the outside

    private int Number(RecoveryId recovery) => _recoveries.IndexOf(recovery) + 1;

    private string Message(MessageId message) => $"(sender = {Number(message.Sender)}, position = {message.Sequence.Number})";

    private string Map(IReadOnlyDictionary<AgentId, CheckpointNumber> targets) =>
        targets.Aggregate("default(map[int, int])", (map, target) => $"WithTarget({map}, {Number(target.Key)}, {target.Value.Number})");

    private static string Set(string type, IEnumerable<string> members) =>
        members.Aggregate($"default(set[{type}])", (set, member) => $"{(type == "int" ? "With" : "WithAction")}({set}, {member})");

    private static string Flag(bool value) => value ? "true" : "false";
}
