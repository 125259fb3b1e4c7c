using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Endpoints;

// What people look at when they ask how things came about. Names, numbers and times; payloads stay in the journals.

/// <summary>An interval, live or undone.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Incarnation">The agent's incarnation in it.</param>
/// <param name="Cause">Why it was opened.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
/// <param name="Sequence">Where it begins in the journal.</param>
/// <param name="Undone">The recovery that undid it, or null.</param>
/// <param name="Sealed">Somebody validated it.</param>
internal sealed record PastInterval(CheckpointNumber Number, Incarnation Incarnation, IntervalCause Cause, long At, long Sequence, RecoveryId? Undone = null, bool Sealed = false);

/// <summary>A message that an agent sent.</summary>
/// <param name="Sequence">Where it stands in the sender's journal: its number.</param>
/// <param name="Interval">The interval that sent it.</param>
/// <param name="To">The receiver.</param>
/// <param name="Type">The name of its type.</param>
internal sealed record PastSend(long Sequence, CheckpointNumber Interval, AgentId To, string Type);

/// <summary>What an agent relied on: a message that it consumed, or an interval that it declared.</summary>
/// <param name="Sequence">Where it stands in the consumer's journal.</param>
/// <param name="Interval">The interval that relies on it.</param>
/// <param name="Producer">The interval that it comes from.</param>
/// <param name="Message">The message's number in its sender's journal; null for a declared dependency.</param>
/// <param name="Kind">How the information went.</param>
/// <param name="Strength">Does the rollback set follow it?</param>
internal sealed record PastDependency(
    long Sequence, CheckpointNumber Interval, Interval Producer, long? Message, DependencyKind Kind, DependencyStrength Strength);

/// <summary>An action.</summary>
/// <param name="Sequence">Where its intent stands.</param>
/// <param name="Interval">The interval that began it.</param>
/// <param name="Name">Its registered name.</param>
/// <param name="Class">What can be done about it.</param>
/// <param name="Progress">How far it got, and what became of it.</param>
internal sealed record PastAction(long Sequence, CheckpointNumber Interval, string Name, ActionClass Class, ActionProgress Progress);

/// <summary>An agent went back.</summary>
/// <param name="Sequence">Where it stands.</param>
/// <param name="Recovery">In which recovery.</param>
/// <param name="Target">The checkpoint that it went back to.</param>
/// <param name="Opens">The interval that it goes on with.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
internal sealed record PastRestore(long Sequence, RecoveryId Recovery, CheckpointNumber Target, CheckpointNumber Opens, long At);

/// <summary>What an agent did, as its journal says.</summary>
/// <param name="Agent">The agent; <c>@outside</c> for what was sent from outside.</param>
/// <param name="Class">The class that plays it; empty for the outside.</param>
/// <param name="From">The first record that was looked at: what is before it is not shown.</param>
/// <param name="Next">The length of the journal.</param>
/// <param name="Intervals">Its intervals, live and undone.</param>
/// <param name="Sends">What it sent.</param>
/// <param name="Dependencies">What it relied on.</param>
/// <param name="Actions">What it did to the world.</param>
/// <param name="Restores">When it went back.</param>
internal sealed record AgentPast(
    AgentId Agent,
    string Class,
    long From,
    long Next,
    IReadOnlyList<PastInterval> Intervals,
    IReadOnlyList<PastSend> Sends,
    IReadOnlyList<PastDependency> Dependencies,
    IReadOnlyList<PastAction> Actions,
    IReadOnlyList<PastRestore> Restores);

/// <summary>Reads what agents did from their journals: a view of the records, which decides nothing.</summary>
internal sealed class Histories
{
    /// <summary>How many records of one agent are looked at, from the end of its journal.</summary>
    internal const int RecordsMax = 2_000;

    // A page ends with the agent with which it has so many records.
    private const int PageRecordsMax = 50_000;

    private readonly List<PastInterval> _intervals = [];
    private readonly List<PastSend> _sends = [];
    private readonly List<PastDependency> _dependencies = [];
    private readonly List<PastAction> _actions = [];
    private readonly List<PastRestore> _restores = [];
    private CheckpointNumber _current;

    /// <summary>The agents of an execution behind a name, the outside first.</summary>
    internal static async Task<Page<AgentPast>> ReadAsync(
        IJournal journal, ExecutionAddress execution, ExecutionStarted started, string after, int limit, string path, CancellationToken cancellationToken)
    {
        var names = started.Agents.Select(known => (known.Agent, known.Class)).OrderBy(known => known.Agent.Text, StringComparer.Ordinal)
            .Prepend((Agent: Outside.Agent, Class: string.Empty)).ToList();
        var behind = after.Length == 0 ? 0 : names.FindIndex(known => known.Agent.Text == after) + 1;
        var items = new List<AgentPast>();
        var records = 0L;
        foreach (var (name, agentClass) in names.Skip(behind).Take(limit).TakeWhile(_ => records < PageRecordsMax))
        {
            var past = await ReadAsync(journal, execution, name, agentClass, cancellationToken);
            records += past.Next - past.From;
            items.Add(past);
        }

        var next = behind + items.Count >= names.Count ? null : $"{path}?after={Uri.EscapeDataString(items[^1].Agent.Text)}&limit={limit}";
        return new Page<AgentPast>(items, next);
    }

    private static async Task<AgentPast> ReadAsync(
        IJournal journal, ExecutionAddress execution, AgentId name, string agentClass, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfAgent(execution, name);
        var next = await journal.VersionAsync(stream, cancellationToken);
        var from = Math.Max(0, next - RecordsMax);
        var past = new Histories();
        await foreach (var stored in journal.ReadAsync(stream, from, cancellationToken))
        {
            past.Take(stored.Position, AgentEventJson.Read(stored.Body.Span));
            next = Math.Max(next, stored.Position + 1);
        }

        return new AgentPast(name, agentClass, from, next, past._intervals, past._sends, past._dependencies, past._actions, past._restores);
    }

    private void Take(long at, AgentEvent record)
    {
        switch (record)
        {
            case IntervalOpened opened:
                Open(new PastInterval(opened.Number, opened.Incarnation, opened.Cause, opened.At, at));
                break;
            case MessageSent sent:
                _sends.Add(new PastSend(at, _current, sent.To, sent.Type));
                break;
            case MessageConsumed consumed:
                var producer = new Interval(consumed.Message.Sender, consumed.SentIn);
                _dependencies.Add(new PastDependency(at, _current, producer, consumed.Message.Sequence.Number, consumed.Dependency, consumed.Strength));
                break;
            case DependencyDeclared declared:
                _dependencies.Add(new PastDependency(at, _current, declared.Producer, null, declared.Dependency, declared.Strength));
                break;
            case ActionIntended intended:
                _actions.Add(new PastAction(at, _current, intended.Name, intended.Class, ActionProgress.InDoubt));
                break;
            case ActionSettled settled:
                Settle(settled.Action, settled.Succeeded ? ActionProgress.Done : ActionProgress.Failed);
                break;
            case CompensationSettled { Result: CompensationResult.Compensated } compensated:
                Settle(compensated.Action, ActionProgress.Compensated);
                break;
            case IntervalSealed known:
                _intervals.Replace(interval => interval.Number == known.Number, interval => interval with { Sealed = true });
                break;
            case RolledBack back:
                RollBack(at, back);
                break;
        }
    }

    private void RollBack(long at, RolledBack back)
    {
        _intervals.Replace(interval => interval.Undone is null && interval.Number >= back.Target, interval => interval with { Undone = back.Recovery });
        foreach (var left in back.Residue)
        {
            Settle(left, ActionProgress.Residue);
        }

        _restores.Add(new PastRestore(at, back.Recovery, back.Target, back.Opens, back.At));
        Open(new PastInterval(back.Opens, back.Incarnation, IntervalCause.Restore, back.At, at));
    }

    private void Open(PastInterval interval)
    {
        _current = interval.Number;
        _intervals.Add(interval);
    }

    private void Settle(SequenceNumber action, ActionProgress progress) =>
        _actions.Replace(known => known.Sequence == action.Number, known => known with { Progress = progress });
}

/// <summary>Lists whose items are replaced.</summary>
internal static class Replacing
{
    internal static void Replace<T>(this List<T> items, Predicate<T> isMeant, Func<T, T> other)
    {
        for (var i = items.Count - 1; i >= 0; i--)
        {
            if (isMeant(items[i]))
            {
                items[i] = other(items[i]);
            }
        }
    }
}
