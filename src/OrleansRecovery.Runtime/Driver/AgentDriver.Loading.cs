using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>What an agent's journal comes to.</summary>
/// <param name="History">What the agent did.</param>
/// <param name="Participant">Where it stands in recoveries.</param>
public sealed record AgentPast(AgentHistory History, ParticipantState Participant)
{
    internal static AgentPast Of(AgentId agent, IReadOnlyList<(SequenceNumber Position, AgentEvent Record)> stored) =>
        new(AgentHistory.Read(agent, stored), stored.Aggregate(ParticipantState.Initial(agent), (state, item) => state.After(item.Record)));
}

/// <content>From the journal to an agent in memory.</content>
public sealed partial class AgentDriver
{
    /// <summary>
    /// Loads an agent: folds its journal, takes the newest sound copy of its state, and replays the turns since, with their recorded inputs and results.
    /// </summary>
    /// <param name="setup">The agent.</param>
    /// <param name="catalog">The classes.</param>
    /// <param name="agentClass">The class that plays it.</param>
    /// <param name="past">What the driver before this one had folded; null when there was none, or what is durable is not known.</param>
    /// <param name="cancellationToken">Ends it between two turns.</param>
    /// <exception cref="RecoveryException">
    /// The journal is damaged, the class is not registered, or a handler did not repeat its recorded steps.
    /// </exception>
    public static async Task<AgentDriver> LoadAsync(
        AgentSetup setup, AgentCatalog catalog, AgentClass agentClass, AgentPast? past, CancellationToken cancellationToken)
    {
        var driver = await FoldAsync(setup, catalog, agentClass, past, isWhole: false, cancellationToken);
        try
        {
            while (await driver.ReplayTurnAsync(null, cancellationToken))
            {
            }

            return driver;
        }
        catch
        {
            driver.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Replays what stands in an agent's journal, beside what is recorded step by step, until the first deviation. Nothing is written, and nothing outside is called by a step.
    /// </summary>
    /// <param name="setup">The agent, with an environment that writes nothing.</param>
    /// <param name="catalog">The classes.</param>
    /// <param name="agentClass">The class that plays it.</param>
    /// <param name="isWhole">From the beginning of what is there, and not from the newest copy of the state.</param>
    /// <param name="patience">How long one turn may take.</param>
    /// <param name="cancellationToken">Ends it between two turns.</param>
    internal static async Task<AgentReplay> AuditAsync(
        AgentSetup setup, AgentCatalog catalog, AgentClass agentClass, bool isWhole, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var driver = await FoldAsync(setup, catalog, agentClass, past: null, isWhole, cancellationToken);
        var audit = new ReplayAudit();
        var turns = 0L;
        try
        {
            while (audit.First is null && await driver.ReplayTurnAsync(audit, cancellationToken).WaitAsync(patience, setup.Time, cancellationToken))
            {
                turns++;
            }
        }
        catch (RecoveryException failure) when (failure.Error.Code is not (RecoveryErrorCode.StorageUnavailable or RecoveryErrorCode.CorruptDatabase))
        {
            driver.Found(audit, $"it failed ({failure.Error.Cause})");
        }
        catch (TimeoutException)
        {
            driver.Found(audit, $"it did not end within {patience.TotalSeconds} s: it waits for what it did not wait for then");
        }

        return new AgentReplay(setup.Agent, agentClass, turns, audit.Steps, audit.First);
    }

    /// <summary>Ends this driver, and hands on what it had folded: nothing of it becomes durable any more. Null when what is durable is not known.</summary>
    public async Task<AgentPast?> LeaveAsync()
    {
        await _gate.WaitAsync(CancellationToken.None); // nobody is in the midst of an append
        try
        {
            var past = IsBroken ? null : new AgentPast(History, Participant);
            Abandon();
            return past;
        }
        finally
        {
            _gate.Release();
        }
    }

    // Of a journal whose fold is known only what came after the copy of the state is read.
    private static async Task<AgentDriver> FoldAsync(
        AgentSetup setup, AgentCatalog catalog, AgentClass agentClass, AgentPast? past, bool isWhole, CancellationToken cancellationToken)
    {
        var behavior = await catalog.CreateAsync(agentClass);
        var records = past is null ? await AgentJournal.ReadAsync(setup.Journal, setup.Stream, cancellationToken) : null;
        var (history, participant) = past ?? AgentPast.Of(setup.Agent, records!);
        var (state, since) = await SoundStateAsync(setup, behavior, history, isWhole, cancellationToken);
        records ??= await AgentJournal.ReadFromAsync(setup.Journal, setup.Stream, since, cancellationToken).ToListAsync(cancellationToken);
        var driver = new AgentDriver(setup, behavior, history, participant, state);
        driver._recorded = [.. records.Where(item => item.Position > since && item.Position < history.Next && Counts(item.Position, item.Record, history))];
        return driver;
    }

    private TurnRun? _replayed;

    // Work since the copy of the state that is not yet part of it: ended turns are replayed from it, and then what an open turn recorded is left.
    private List<(SequenceNumber Position, AgentEvent Record)> _recorded = [];

    // A record of going back is the last of what it undoes, and the first of the interval that it opens.
    private static bool Counts(SequenceNumber position, AgentEvent record, AgentHistory history) =>
        record is RolledBack back ? history.Find(back.Opens) is not null : record.IsWork && history.IsLive(position);

    private static async Task<(byte[] State, SequenceNumber Since)> SoundStateAsync(
        AgentSetup setup, AgentBehavior behavior, AgentHistory history, bool isWhole, CancellationToken cancellationToken)
    {
        var copies = history.Live.SelectMany(interval => interval.Snapshots);
        foreach (var position in !isWhole ? copies.Reverse() : history.CollectedFrom == SequenceNumber.First ? [] : copies)
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

    // The next ended turn; false when there is none.
    private async Task<bool> ReplayTurnAsync(ReplayAudit? audit, CancellationToken cancellationToken)
    {
        if (_recorded.FindIndex(item => item.Record is TurnEnded) is not (var end and >= 0))
        {
            return false;
        }

        var steps = _recorded[..(end + 1)];
        _recorded.RemoveRange(0, end + 1);
        var begin = steps.Find(item => item.Record is MessageConsumed { BeginsTurn: true }).Record as MessageConsumed;
        Invariant.Holds(begin is not null, $"{_setup.Stream}: a turn ends that never began.");
        var message = await _setup.Environment.ReadMessageAsync(begin.Message, cancellationToken);
        var turn = TurnRun.Replay(this, message, steps, audit);
        _replayed = turn;
        var state = await turn.ReplayAsync();
        var recorded = ((TurnEnded)steps[^1].Record).StateDigest;
        if (AgentJson.Digest(state) != recorded)
        {
            throw turn.DeviatesAtEnd(steps[^1].Position, state, recorded);
        }

        _state = state;
        return true;
    }

    // Of the turn that was replayed last, unless a step of it told more.
    private void Found(ReplayAudit audit, string came) => audit.Found(
        _replayed is { } turn ? turn.Deviation(came, "a turn that had ended") : throw new InvalidOperationException("No turn was replayed."));

    internal RecoveryException NonDeterministic(IncomingMessage message, string what) => RecoveryException.Of(
        RecoveryErrorCode.NonDeterministicReplay,
        $"Agent {_setup.Agent} did not repeat its recorded turn for {message.Id} ({message.Type}): {what}.",
        "The agent is not loaded; its messages wait, and nothing was lost.",
        "Let the handler take time, chance and everything from outside through RecordAsync or ActAsync, or register the code that made the record.");
}
