using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Driver;

/// <content>From the journal to an agent in memory.</content>
public sealed partial class AgentDriver
{
    /// <summary>
    /// Loads an agent: folds its journal, takes the newest sound copy of its state, and replays the turns since, with their recorded inputs and results.
    /// </summary>
    /// <exception cref="RecoveryException">
    /// The journal is damaged, the class is not registered, or a handler did not repeat its recorded steps.
    /// </exception>
    public static async Task<AgentDriver> LoadAsync(
        AgentSetup setup, AgentCatalog catalog, AgentClass agentClass, CancellationToken cancellationToken)
    {
        var behavior = await catalog.CreateAsync(agentClass);
        var records = await AgentJournal.ReadAsync(setup.Journal, setup.Stream, cancellationToken);
        var history = AgentHistory.Read(setup.Agent, records);
        var participant = records.Aggregate(ParticipantState.Initial(setup.Agent), (state, item) => state.After(item.Record));
        var (state, since) = await SoundStateAsync(setup, behavior, history, cancellationToken);
        var driver = new AgentDriver(setup, behavior, history, participant, state);
        driver._recorded = [.. records.Where(item => item.Position > since && Counts(item.Position, item.Record, history))];
        try
        {
            await driver.ReplayEndedTurnsAsync(cancellationToken);
            return driver;
        }
        catch
        {
            driver.Dispose();
            throw;
        }
    }

    // Work since the copy of the state that is not yet part of it: ended turns are replayed from it, and then what an open turn recorded is left.
    private List<(SequenceNumber Position, AgentEvent Record)> _recorded = [];

    // A record of going back is the last of what it undoes, and the first of the interval that it opens.
    private static bool Counts(SequenceNumber position, AgentEvent record, AgentHistory history) =>
        record is RolledBack back ? history.Find(back.Opens) is not null : record.IsWork && history.IsLive(position);

    private static async Task<(byte[] State, SequenceNumber Since)> SoundStateAsync(
        AgentSetup setup, AgentBehavior behavior, AgentHistory history, CancellationToken cancellationToken)
    {
        foreach (var position in history.Live.SelectMany(interval => interval.Snapshots).Reverse())
        {
            var snapshot = await setup.Journal.ReadSnapshotAsync(setup.Stream, position.Number, cancellationToken);
            if (snapshot is not null && AgentJson.Digest(snapshot.Body.Span) == snapshot.Digest)
            {
                return (snapshot.Body.ToArray(), position);
            }
        }

        if (history.CollectedFrom > SequenceNumber.First)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.CorruptCheckpoint,
                $"No copy of the state of {setup.Stream} is sound, and the records before {history.CollectedFrom} are collected.",
                "The agent is not loaded; its messages wait, and nothing was lost.",
                "Restore the database from a backup.");
        }

        var initial = JsonSerializer.SerializeToUtf8Bytes(behavior.InitialState(), behavior.State);
        return (initial, SequenceNumber.First);
    }

    private async Task ReplayEndedTurnsAsync(CancellationToken cancellationToken)
    {
        while (_recorded.FindIndex(item => item.Record is TurnEnded) is var end and >= 0)
        {
            var steps = _recorded[..(end + 1)];
            _recorded.RemoveRange(0, end + 1);
            var begin = steps.Find(item => item.Record is MessageConsumed { BeginsTurn: true }).Record as MessageConsumed;
            Invariant.Holds(begin is not null, $"{_setup.Stream}: a turn ends that never began.");
            var message = await _setup.Environment.ReadMessageAsync(begin.Message, cancellationToken);
            var turn = TurnRun.Replay(this, message, steps);
            var state = await turn.ReplayAsync();
            var recorded = ((TurnEnded)steps[^1].Record).StateDigest;
            if (AgentJson.Digest(state) != recorded)
            {
                throw NonDeterministic(message, $"the state's digest is {AgentJson.Digest(state)}, and {recorded} was recorded");
            }

            _state = state;
        }
    }

    internal RecoveryException NonDeterministic(IncomingMessage message, string what) => RecoveryException.Of(
        RecoveryErrorCode.NonDeterministicReplay,
        $"Agent {_setup.Agent} did not repeat its recorded turn for {message.Id} ({message.Type}): {what}.",
        "The agent is not loaded; its messages wait, and nothing was lost.",
        "Let the handler take time, chance and everything from outside through RecordAsync or ActAsync, or register the code that made the record.");
}
