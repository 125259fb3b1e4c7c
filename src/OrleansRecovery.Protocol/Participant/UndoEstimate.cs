using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Participant;

/// <summary>
/// How far an agent must go back, and what that undoes: one agent's step of the rollback set's fixpoint (theory, R2), worked out
/// from its own journal alone.
/// </summary>
/// <param name="Target">The checkpoint to go back to, or null when the agent is not affected.</param>
/// <param name="Incarnation">The agent's incarnation.</param>
/// <param name="Next">The checkpoint that the agent would open next.</param>
/// <param name="Trace">What would be undone.</param>
/// <param name="Objections">Why it could not go back cleanly; empty when it can.</param>
public sealed record UndoEstimate(
    CheckpointNumber? Target,
    Incarnation Incarnation,
    CheckpointNumber Next,
    UndoneTrace Trace,
    IReadOnlyList<Objection> Objections)
{
    /// <summary>Works it out.</summary>
    /// <param name="history">The agent's journal.</param>
    /// <param name="suspects">
    /// The intervals that are suspect themselves. One that is undone already affects nothing; one that was collected was not to be named any more, and cannot be gone back to.
    /// </param>
    /// <param name="invalidated">Outputs of others that fall.</param>
    /// <param name="corrupt">Checkpoints whose bytes do not match their digest: the target moves to the newest sound one before.</param>
    public static UndoEstimate Of(
        AgentHistory history,
        IReadOnlyList<CheckpointNumber> suspects,
        IReadOnlyList<InvalidatedRange> invalidated,
        IReadOnlySet<CheckpointNumber> corrupt)
    {
        var next = history.Current.Next;
        var wasDiscarded = history.CollectedFrom > SequenceNumber.First && suspects.Any(suspect => suspect < history.Live[0].Number);
        var first = wasDiscarded ? 0 : FirstAffected(history, suspects, invalidated);
        if (first < 0)
        {
            return new UndoEstimate(null, history.Incarnation, next, UndoneTrace.Empty, []);
        }

        var sound = first;
        while (sound >= 0 && corrupt.Contains(history.Live[sound].Number))
        {
            sound--;
        }

        var objections = new List<Objection>();
        if (sound < 0 || wasDiscarded)
        {
            objections.Add(new Objection(RefusalReason.NoSuchCheckpoint, null));
            sound = first;
        }

        var undone = history.Live.Skip(sound).ToList();
        AddActionObjections(history.Agent, undone, objections);
        return new UndoEstimate(undone[0].Number, history.Incarnation, next, TraceOf(undone), objections);
    }

    private static int FirstAffected(AgentHistory history, IReadOnlyList<CheckpointNumber> suspects, IReadOnlyList<InvalidatedRange> invalidated)
    {
        for (var i = 0; i < history.Live.Count; i++)
        {
            var interval = history.Live[i];
            if (suspects.Contains(interval.Number) || invalidated.Any(interval.Consumed))
            {
                return i;
            }
        }

        return -1;
    }

    private static void AddActionObjections(AgentId agent, List<IntervalWork> undone, List<Objection> objections)
    {
        foreach (var action in undone.SelectMany(interval => interval.Actions))
        {
            var mayHaveRun = action.Progress is ActionProgress.InDoubt or ActionProgress.Done;
            if (mayHaveRun && action.Class == ActionClass.Irrevocable)
            {
                objections.Add(new Objection(RefusalReason.IrrevocableAction, new ActionId(agent, action.Position)));
            }
            else if (mayHaveRun && action.Class == ActionClass.Compensatable && !action.HasCompensation)
            {
                objections.Add(new Objection(RefusalReason.CompensationMissing, new ActionId(agent, action.Position)));
            }
        }
    }

    private static UndoneTrace TraceOf(List<IntervalWork> undone) => new(
        [.. undone.SelectMany(interval => interval.Sends)],
        [.. undone.SelectMany(interval => interval.Receipts).Select(receipt => new UndoneReceipt(receipt.Position, receipt.Consumed.Message))],
        [.. undone.SelectMany(interval => interval.Actions)
            .Select(action => new UndoneAction(action.Position, action.Class, action.Progress, action.Name))])
    {
        Reads = [.. undone.SelectMany(interval => interval.Declared)
            .Where(item => item.Declared.Strength == DependencyStrength.Required)
            .Select(item => new UndoneRead(item.Position, item.Declared.Producer))],
        Intervals = [.. undone.Select(interval => new UndoneInterval(interval.Number, interval.OpenedAt))],
    };
}
