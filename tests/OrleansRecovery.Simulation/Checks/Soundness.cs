using System.Text.Json;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation.Checks;

/// <summary>
/// What must hold in the end (theory, section 5.3). Whether something had to fall is asked of the causes that values carry: no dependency graph of ours is used.
/// </summary>
internal sealed class Soundness(Story story, OutsideWorld outside)
{
    private readonly List<string> _faults = [.. outside.Complaints];
    private readonly Dictionary<Interval, HashSet<string>> _causes = [];

    public IReadOnlyList<string> Check()
    {
        ReadCauses();
        foreach (var (agent, journal) in story.Journals)
        {
            CheckNumbers(agent, journal);
        }

        CheckMessages();
        if (IsLeftStanding)
        {
            return _faults;
        }

        CheckOrphans();
        foreach (var recovery in story.Recoveries)
        {
            CheckFallen(recovery);
        }

        CheckMinimal();
        CheckDeeds();
        CheckStates();
        return _faults;
    }

    // A read that was heard of too late is a failure. Where policy lets nothing fall, since a vote was refused, and an operator stops the execution, it stands, with
    // what rests on it: the log names it, and nobody says that it was undone.
    private bool IsLeftStanding =>
        story.Log.State.Phase == ExecutionPhase.Stopped && story.Live().Any(item => item.Record is DependencyDeclared declared && IsUndone(declared.Producer)
            && story.Recoveries.Any(recovery => recovery is { Phase: CoordinatorPhase.Aborted, AbortReason: AbortReason.Refused }
                && recovery.Signals.Any(signal => signal.Issuer == SignalPolicy.Host && signal.Suspect.Agent == item.Agent)));

    private bool IsUndone(Interval interval) => !story.Histories[interval.Agent].Live.Any(live => live.Number == interval.Number);

    // What is written into payloads and arguments, by the interval in which it was written.
    private void ReadCauses()
    {
        foreach (var (agent, journal) in story.Journals)
        {
            var current = CheckpointNumber.First;
            foreach (var (_, record) in journal)
            {
                current = record switch
                {
                    IntervalOpened opened => opened.Number,
                    RolledBack rolledBack => rolledBack.Opens,
                    _ => current,
                };
                var written = record switch
                {
                    MessageSent sent => CausesIn(sent.Payload),
                    ActionIntended intended => CausesIn(intended.Argument),
                    _ => null,
                };
                if (written is not null)
                {
                    _causes[new Interval(agent, current)] = written; // the last one has the most
                }
                else if (record is DependencyDeclared)
                {
                    _causes.Remove(new Interval(agent, current)); // more than was written so far
                }
            }
        }
    }

    private static HashSet<string>? CausesIn(JsonElement payload) =>
        payload.ValueKind == JsonValueKind.Object && payload.TryGetProperty("causes", out var causes)
            ? [.. causes.EnumerateArray().Select(cause => cause.GetString()!)]
            : null;

    // S5, S17: incarnations and numbers only rise, and no interval is opened under an incarnation that has ended.
    private void CheckNumbers(AgentId agent, List<(SequenceNumber Position, AgentEvent Record)> journal)
    {
        var (incarnation, number) = (Incarnation.First, -1L);
        foreach (var (position, record) in journal)
        {
            if (record is RolledBack rolledBack)
            {
                Claim(rolledBack.Incarnation == incarnation.Next && rolledBack.Opens.Number > number, $"{agent} {position}: {rolledBack} after {incarnation}");
                (incarnation, number) = (rolledBack.Incarnation, rolledBack.Opens.Number);
            }
            else if (record is IntervalOpened opened)
            {
                Claim(opened.Incarnation == incarnation && opened.Number.Number > number, $"{agent} {position}: {opened} after {incarnation}");
                number = opened.Number.Number;
            }
        }

        CheckTries(agent, journal);
    }

    // S12: a try ends once, after a failure only a later one does, and after a success none; what was named since it had failed is not compensated afterwards.
    private void CheckTries(AgentId agent, List<(SequenceNumber Position, AgentEvent Record)> journal)
    {
        foreach (var ends in journal.Select(item => item.Record).OfType<CompensationSettled>().GroupBy(settled => settled.Action))
        {
            Claim(ends.Zip(ends.Skip(1)).All(pair => pair.First.Result == CompensationResult.Failed && pair.First.Try < pair.Second.Try), $"{agent}:{ends.Key}: {string.Join(", then ", ends)}");
            var isNamed = story.Recoveries.Any(recovery => recovery.Residue.Any(residue =>
                residue.Agent == agent && residue.Action == ends.Key && residue.Reason == ResidueReason.CompensationFailed));
            Claim(!isNamed || ends.All(settled => settled.Result == CompensationResult.Failed), $"{agent}:{ends.Key} is named as residue, and compensated: {string.Join(", then ", ends)}");
        }
    }

    // S1, S6: nothing that counts rests on a message, or on a declared interval, that does not.
    private void CheckOrphans()
    {
        foreach (var (agent, position, record) in story.Live())
        {
            if (record is MessageConsumed consumed)
            {
                Claim(
                    story.Histories[consumed.Message.Sender].IsLive(consumed.Message.Sequence) || story.Quarantined.Contains(agent),
                    $"{agent} {position} consumed {consumed.Message}, which is undone");
            }
            else if (record is DependencyDeclared declared)
            {
                Claim(
                    !IsUndone(declared.Producer) || story.Quarantined.Contains(agent),
                    $"{agent} {position} declares {declared.Producer}, which is undone");
            }
        }
    }

    // S7: what was sent and counts is consumed exactly once.
    private void CheckMessages()
    {
        var consumptions = story.Live().Where(item => item.Record is MessageConsumed)
            .GroupBy(item => ((MessageConsumed)item.Record).Message).ToDictionary(group => group.Key, group => group.Count());
        var isStopped = story.Log.State.Phase == ExecutionPhase.Stopped;
        var stranded = story.Stranded();
        foreach (var (agent, position, record) in story.Live())
        {
            if (record is MessageSent sent)
            {
                var count = consumptions.GetValueOrDefault(new MessageId(agent, position));
                var mayWait = isStopped || sent.To == Outside.Agent || stranded.Contains(sent.To) || sent.Dependency == DependencyKind.Result;
                Claim(count == 1 || (count == 0 && mayWait), $"{agent}:{position} to {sent.To} is consumed {count} times");
            }
        }
    }

    // S1 by taint: after a recovery nothing that is kept carries a cause that it undid.
    private void CheckFallen(CoordinatorState recovery)
    {
        var line = story.Journals.SelectMany(journal => journal.Value.Select(item => (Agent: journal.Key, item.Record)))
            .Where(item => item.Record is RolledBack rolledBack && rolledBack.Recovery == recovery.Recovery)
            .ToDictionary(item => item.Agent, item => (RolledBack)item.Record);
        if (recovery.Phase == CoordinatorPhase.Aborted)
        {
            Claim(line.Count == 0, $"{recovery.Recovery} is aborted, and {string.Join(", ", line.Keys)} went back");
            return;
        }

        if (!recovery.Phase.IsTerminal())
        {
            return;
        }

        var size = recovery.Falling.Count();
        Claim(size <= recovery.Opening.Policy.AgentCountMax || recovery.IsApproved, $"{recovery.Recovery}: {size} agents fell, and nobody allowed it");
        foreach (var (agent, member) in recovery.Falling)
        {
            var isKept = recovery.Residue.Any(residue => residue.Agent == agent && residue.Reason is ResidueReason.NotRestored or ResidueReason.Unreachable);
            Claim(isKept || (line.TryGetValue(agent, out var went) && went.Target == member.Vote!.Target), $"{recovery.Recovery}: {agent} did not go back to {member.Vote!.Target}");
        }

        foreach (var suspect in recovery.Suspects)
        {
            if (!line.TryGetValue(suspect.Agent, out var went) || WasUndoneBefore(suspect, went))
            {
                continue; // undone already, or kept
            }

            bool IsBad(string cause) => Number(cause, suspect.Agent) is { } number && number >= suspect.Number.Number && number < went.Opens.Number;
            foreach (var (agent, position, record) in story.Live())
            {
                var causes = record switch
                {
                    MessageSent sent => CausesIn(sent.Payload),
                    ActionIntended intended => CausesIn(intended.Argument),
                    _ => null,
                };
                Claim(causes?.Any(IsBad) != true || story.Quarantined.Contains(agent), $"{agent} {position} {record.Kind} carries what {recovery.Recovery} undid of {suspect}");
            }

            foreach (var (agent, state) in story.States.Where(state => !story.Quarantined.Contains(state.Key)))
            {
                using var parsed = JsonDocument.Parse(state.Text);
                Claim(CausesIn(parsed.RootElement)?.Any(IsBad) != true, $"the state of {agent} carries what {recovery.Recovery} undid of {suspect}");
            }

            foreach (var (action, deed) in outside.Standing)
            {
                var isNamed = story.Recoveries.Any(other => other.Residue.Any(residue => residue.Agent == action.Agent && (residue.Action is null || residue.Action == action.Sequence)));
                Claim(!deed.Causes.Any(IsBad) || isNamed || story.Quarantined.Contains(action.Agent), $"{action} {deed.Name} stands and carries what {recovery.Recovery} undid of {suspect}");
            }
        }
    }

    private bool WasUndoneBefore(Interval suspect, RolledBack went) => story.Journals[suspect.Agent]
        .Select(item => item.Record).OfType<RolledBack>().TakeWhile(earlier => earlier.Recovery != went.Recovery)
        .Any(earlier => earlier.Target <= suspect.Number && suspect.Number < earlier.Opens);

    // S2, S3: the first interval that an agent lost rested on what was suspected, or on what was undone with it; a damaged copy leads deeper.
    private void CheckMinimal()
    {
        foreach (var recovery in story.Recoveries.Where(recovery => recovery.Phase is CoordinatorPhase.Completed or CoordinatorPhase.CompletedWithResidue))
        {
            // An interval falls as a whole, and with it what it had sent before it was touched: so those that fell for a reason are reasons too. An agent with a suspect
            // of its own that went back further than to it needs a reason for that, as any other.
            var line = recovery.Falling.ToDictionary(member => member.Key, member => member.Value.Vote!.Target);
            var justified = recovery.Suspects.GroupBy(suspect => suspect.Agent).ToDictionary(group => group.Key, group => group.Min(suspect => suspect.Number));
            bool IsJustified(AgentId agent, CheckpointNumber target) => justified.TryGetValue(agent, out var reason) && reason <= target;
            for (var grows = true; grows;)
            {
                grows = false;
                foreach (var (agent, target) in line.Where(item => !IsJustified(item.Key, item.Value)).ToList())
                {
                    if (IsDamaged || !_causes.TryGetValue(new Interval(agent, target), out var causes)
                        || justified.Any(reason => causes.Any(cause => Number(cause, reason.Key) is { } number && number >= reason.Value.Number)))
                    {
                        justified[agent] = target;
                        grows = true;
                    }
                }
            }

            foreach (var (agent, target) in line)
            {
                Claim(IsJustified(agent, target), $"{recovery.Recovery}: {agent}/{target} fell and carries nothing of {string.Join(", ", recovery.Suspects)}");
            }
        }
    }

    /// <summary>Copies of states were damaged: agents go back further than they must.</summary>
    public bool IsDamaged { get; init; }

    // S8, S9, S11, S12: what counts stands, once; what was undone is undone, or named.
    private void CheckDeeds()
    {
        foreach (var (agent, history) in story.Histories)
        {
            if (story.Quarantined.Contains(agent))
            {
                continue;
            }

            foreach (var action in history.Live.SelectMany(interval => interval.Actions).Where(action => action.Class is ActionClass.Compensatable or ActionClass.Irrevocable))
            {
                var id = new ActionId(agent, action.Position);
                var isThere = outside.Standing.ContainsKey(id);
                Claim(isThere || action.Progress != ActionProgress.Done, $"{id} counts, succeeded and does not stand");
                Claim(!outside.Undone.ContainsKey(id), $"{id} counts and was undone");
            }
        }

        foreach (var (id, deed) in outside.Standing)
        {
            if (story.Quarantined.Contains(id.Agent) || story.Histories[id.Agent].IsLive(id.Sequence))
            {
                continue;
            }

            var isNamed = story.Recoveries.Any(recovery => recovery.Residue.Any(residue => residue.Agent == id.Agent && (residue.Action is null || residue.Action == id.Sequence)));
            Claim(isNamed, $"{id} {deed.Name} is undone in the journal, stands outside, and no outcome names it");
        }

        foreach (var (id, count) in outside.Finals)
        {
            Claim(count == 1, $"the irrevocable {id} was done {count} times");
        }
    }

    // S20: a state holds the work of the turns that count, each once.
    private void CheckStates()
    {
        foreach (var (agent, (position, text)) in story.States)
        {
            using var state = JsonDocument.Parse(text);
            var done = state.RootElement.TryGetProperty("done", out var list) ? list.EnumerateArray().Select(item => item.GetString()!).ToList() : [];
            var turns = story.Journals[agent].Count(item => item.Position <= position && item.Record is TurnEnded && story.Histories[agent].IsLive(item.Position));
            Claim(story.Quarantined.Contains(agent) || done.Count == turns, $"the state of {agent} holds {done.Count} scripts, and {turns} turns count");
        }
    }

    private static long? Number(string cause, AgentId agent) =>
        cause.Split('/') is [var name, var number] && name == agent.Text ? long.Parse(number, System.Globalization.CultureInfo.InvariantCulture) : null;

    private void Claim(bool holds, string what)
    {
        if (!holds)
        {
            _faults.Add(what);
        }
    }
}
