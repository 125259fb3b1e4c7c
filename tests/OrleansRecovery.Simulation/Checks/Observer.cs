using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation.Checks;

/// <summary>How often what was met.</summary>
internal sealed class Tally
{
    public SortedDictionary<string, long> Counts { get; } = new(StringComparer.Ordinal);

    public void Add(string what, long times = 1) => Counts[what] = Counts.GetValueOrDefault(what) + times;

    public void Add(Tally other)
    {
        foreach (var (what, times) in other.Counts)
        {
            Add(what, times);
        }
    }
}

/// <summary>Sees every record that reaches the disk, and knows from it where everything stands.</summary>
internal sealed partial class Observer(Tally seen, ExecutionId execution)
{
    private readonly SortedDictionary<AgentId, AgentHistory> _agents = [];
    private readonly SortedDictionary<AgentId, List<(SequenceNumber Position, AgentEvent Record)>> _journals = [];
    private readonly SortedDictionary<AgentId, ParticipantState> _participants = [];
    private readonly SortedDictionary<AgentId, List<long>> _snapshots = [];
    private readonly HashSet<AgentId> _damaged = [];
    private readonly Dictionary<ActionId, (CompensationSettled Record, Process By, long At)> _failures = [];
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly StringBuilder _all = new();

    /// <summary>Notes all that is written, for <see cref="Digest"/>.</summary>
    public bool Digests { get; init; }

    /// <summary>How many records were written.</summary>
    public int RecordCount { get; private set; }

    /// <summary>The execution's log.</summary>
    public ExecutionHistory Log { get; } = new(execution);

    /// <summary>All that agents ever wrote.</summary>
    public IReadOnlyDictionary<AgentId, List<(SequenceNumber Position, AgentEvent Record)>> Journals => _journals;

    /// <summary>What it comes to, as if nothing had been collected.</summary>
    public IReadOnlyDictionary<AgentId, AgentHistory> Histories => _agents;

    /// <summary>Every record, as it was written; where it is asked for.</summary>
    public List<string> Texts { get; } = [];

    /// <summary>Keeps <see cref="Texts"/>.</summary>
    public bool KeepsTexts { get; init; }

    /// <summary>Where the newest recovery stands.</summary>
    public string Phase { get; private set; } = "nothing";

    /// <summary>Told when it stands elsewhere.</summary>
    public Action OnPhase { get; set; } = () => { };

    /// <summary>No recovery is open, and no agent is bound by one.</summary>
    public bool IsAtRest => Log.Recoveries.Values.All(recovery => recovery.Phase is Protocol.Coordinator.CoordinatorPhase.Completed
            or Protocol.Coordinator.CoordinatorPhase.CompletedWithResidue or Protocol.Coordinator.CoordinatorPhase.Aborted)
        && _participants.Values.All(participant => participant.Phase is ParticipantPhase.Active or ParticipantPhase.Quarantined && participant.Barriers.IsEmpty);

    /// <summary>The execution waits for an operator.</summary>
    public bool IsHeld => Log.State?.Phase is ExecutionPhase.Escalated or ExecutionPhase.Paused;

    /// <summary>Nothing more is taken.</summary>
    public bool IsStopped => Log.State?.Phase == ExecutionPhase.Stopped;

    public long Current(AgentId agent) => _agents.TryGetValue(agent, out var history) ? history.Current.Number : 0;

    public int Length(AgentId agent) => _agents.TryGetValue(agent, out var history) ? (int)history.Next.Number : 0;

    /// <summary>Does an outcome, or will one, name the action as residue?</summary>
    public bool IsResidue(ActionId action) =>
        Log.Recoveries.Values.Any(recovery => recovery.Residue.Any(residue => residue.Agent == action.Agent && residue.Action == action.Sequence));

    /// <summary>
    /// Has the process no reason to begin a compensation: did the try that is asked for fail, and was that written by this process, or before it began? What
    /// another process wrote meanwhile it need not know yet: its run counts as one beside the other.
    /// </summary>
    public bool HasFailed(ActionId action, Process by) => _failures.TryGetValue(action, out var failed)
        && (failed.By == by || failed.At < by.Born)
        && Log.Recoveries[failed.Record.Recovery].Compensation?.TryOf(action) <= failed.Record.Try;

    public void Take(Process by, StreamAppend append)
    {
        foreach (var record in append.Records)
        {
            Take(by, append.Stream, record);
        }

        if (append.Stream.Kind == StreamKind.Agent)
        {
            var agent = AgentId.Parse(append.Stream.Name);
            foreach (var snapshot in append.Snapshots)
            {
                (_snapshots.TryGetValue(agent, out var positions) ? positions : _snapshots[agent] = []).Add(snapshot.Position);
            }
        }
    }

    /// <summary>Damages the newest or another copy of an agent's state; one only, since that is what collecting leaves copies for.</summary>
    public bool Damage(InMemoryJournal disk, StreamId stream, Loop loop)
    {
        var agent = AgentId.Parse(stream.Name);
        if (!_snapshots.TryGetValue(agent, out var positions) || !_damaged.Add(agent))
        {
            return false;
        }

        return disk.DamageSnapshot(stream, loop.Chance(0.5) ? positions[^1] : loop.PickOne(positions)); // it may be collected by now
    }

    /// <summary>Of everything that was written, drawn names and signatures apart.</summary>
    public string Digest() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_all.ToString())))[..16];

    public override string ToString() =>
        $"{Log.State?.Phase}, recoveries {string.Join(", ", Log.Recoveries.Values.Select(recovery => $"{recovery.Phase} {recovery.Escalation?.Reason}"))}; "
        + string.Join(", ", _participants.Select(participant => $"{participant.Key} {participant.Value.Phase}{(participant.Value.Barriers.IsEmpty ? string.Empty : " barred")} {_agents[participant.Key].Turn?.Message}"));

    private void Take(Process by, StreamId stream, ReadOnlyMemory<byte> record)
    {
        RecordCount++;
        switch (stream.Kind)
        {
            case StreamKind.Agent:
                Take(by, AgentId.Parse(stream.Name), AgentEventJson.Read(record.Span));
                break;
            case StreamKind.Execution:
                Log.Apply(ExecutionLog.Read(record.Span));
                if (Log.Recoveries.Count > 0 && Log.Recoveries.Values.Last().Phase.ToString() is var phase && phase != Phase)
                {
                    Phase = phase;
                    seen.Add($"phase {phase}");
                    OnPhase();
                }

                break;
        }

        Note(stream, record);
    }

    private void Take(Process by, AgentId agent, AgentEvent record)
    {
        if (!_agents.TryGetValue(agent, out var history))
        {
            (_agents[agent], _journals[agent], _participants[agent]) = (history = new AgentHistory(agent), [], ParticipantState.Initial(agent));
        }

        _journals[agent].Add((history.Next, record));
        history.Apply(record is Collected ? new FenceRaised(Epoch.First) : record); // what was collected is still looked at
        _participants[agent] = _participants[agent].After(record);
        seen.Add($"record {record.Kind}");
        if (record is CompensationSettled { Result: CompensationResult.Failed } failed)
        {
            _failures[new ActionId(agent, failed.Action)] = (failed, by, by.Loop.Now);
            seen.Add(failed.Try > 1 ? "failed later try" : "failed first try");
        }
    }

    // Ids of recoveries are drawn; their order is not.
    private void Note(StreamId stream, ReadOnlyMemory<byte> record)
    {
        if (KeepsTexts)
        {
            Texts.Add(Encoding.UTF8.GetString(record.Span));
        }

        if (Digests)
        {
            _all.Append(stream.Name).Append(' ').AppendLine(RecoveryName().Replace(
                Encoding.UTF8.GetString(record.Span),
                name => _names.TryGetValue(name.Value, out var known) ? known : _names[name.Value] = $"r{(_names.Count + 1).ToString(CultureInfo.InvariantCulture)}"));
        }
    }

    [GeneratedRegex("r-[0-9a-f]{32}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RecoveryName();
}
