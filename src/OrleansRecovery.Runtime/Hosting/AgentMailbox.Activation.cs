using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>Into memory, and out of it.</content>
public sealed partial class AgentMailbox
{
    private async Task<AgentDriver> LoadedAsync(AgentClass? by = null)
    {
        if (_driver is { IsBroken: false, MustReload: false } loaded)
        {
            return loaded;
        }

        var wasLoaded = _driver is not null;
        if (_turn is null || _driver is null)
        {
            by ??= (await _setup.Home.SituationAsync(_agent.Agent, Protocol.Terms.SequenceNumber.First, _stopping.Token)).Class;
            var past = _driver is { } before ? await before.LeaveAsync() : null;
            Unload();
            _driver = await AgentDriver.LoadAsync(_agent, _setup.Catalog, by.Value, past, _stopping.Token);
            _playedBy = by.Value;
            _setup.Memory.Add(1);
            if (!wasLoaded)
            {
                _driver.Reawaken();
            }
        }

        return _driver;
    }

    // Memory is bounded: an agent with nothing to do and nothing to remember goes when too many are idle.
    private void UnloadIfIdle()
    {
        if (_driver is { Participant: { Phase: ParticipantPhase.Active, Barriers.IsEmpty: true } } && _turn is null && _compensations == 0 && _waiting <= 1
            && _setup.Memory.IsExceeded)
        {
            Unload();
        }
    }

    private void Unload()
    {
        if (_driver is { } driver)
        {
            driver.Dispose();
            _driver = null;
            _setup.Memory.Add(-1);
        }
    }

    // What this activation waits for may have come to another one that it knows nothing of: the journal tells. While a turn runs its own append may be on its way:
    // not at two reminders one after the other.
    private async Task RemindAsync()
    {
        var aheadAt = _driver is { } loaded && await JournalledAsync() is var version && version > loaded.History.Next.Number ? version : (long?)null;
        if (aheadAt is not null && _turn is null)
        {
            _awaitsRecovery = false;
            Unload();
        }

        if (_turn is null && (_driver is null || _awaitsRecovery) && await SituationAsync() is { } situation)
        {
            // Who has promised nothing is not asked for, and asks nobody: when the word of an aborted recovery is lost, nothing else tells.
            _awaitsRecovery &= !(situation.IsSettled && _driver is null or { Participant.Phase: ParticipantPhase.Active });
            if (situation.IsBound)
            {
                await LoadedAsync(situation.Class); // perhaps no turn begins that would load it, and what it has promised may be over
            }
        }

        if (_driver is not { } driver)
        {
            return;
        }

        if (_turn is not null && aheadAt is not null && aheadAt == _aheadAt)
        {
            LetGo(driver);
            return;
        }

        _aheadAt = _turn is null ? null : aheadAt;
        await driver.RemindAsync(_stopping.Token);
    }

    // What is said after the decision, of a recovery that this activation has promised nothing to, another one may have promised: it would ask, be answered with
    // the same, and ask again. And what this one has promised to undo another one may have tried, and failed: then the try has ended; or it went back, and is released.
    // False: the message is to come again, when the agent is loaded again.
    private async Task<bool> LooksFirstAsync(ParticipantMessage message)
    {
        if (_driver is not { IsBroken: false } driver)
        {
            return _turn is null; // one that was let go, and its turn has not ended yet
        }

        var isOfAnother = message is Commit or Restore && driver.Participant.Promise?.Vote.Recovery != message.Recovery;
        if ((isOfAnother || (_turn is null && message is Compensate or Release)) && await JournalledAsync() > driver.History.Next.Number)
        {
            if (_turn is not null)
            {
                LetGo(driver); // who promises stops its turn: it is another one's turn that counts
                return false;
            }

            Unload();
        }

        return true;
    }

    // Its turn may wait for long, and nothing of it can become durable any more.
    private static void LetGo(AgentDriver driver)
    {
        driver.Abandon();
        _ = driver.StopTurnAsync();
    }

    private Task<long> JournalledAsync() => _setup.Journal.VersionAsync(StreamId.OfAgent(_setup.Execution, _agent.Agent), _stopping.Token);

    // What an operator asked for met the end of the activation.
    private RecoveryException Interrupted(Exception failure) => _stopping.IsCancellationRequested
        ? ExecutionDriver.HostStopped()
        : RecoveryException.Of(
            RecoveryErrorCode.StorageUnavailable,
            $"Agent {_agent.Agent} is about to be loaded again from its journal, after trouble with the storage.",
            "Nothing was written.",
            "Repeat the request.",
            failure);

    private void Drop(Exception failure)
    {
        if (_driver is null or { IsBroken: true })
        {
            _awaitsRecovery = false; // the word that it waits for may be durable and unheard, or lost with what could not be loaded; if not, the turn is run again
            if (_turn is null)
            {
                Unload();
            }
            else if (_driver is { } broken)
            {
                _ = broken.StopTurnAsync(); // nothing of it can become durable any more, and it may wait for long
            }
        }

        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        if (failure is not StaleAppendException)
        {
            RecoveryMetrics.AgentsStuck.Add(1, new KeyValuePair<string, object?>(AttributeNames.Error, RecoverySpans.ErrorOf(failure)));
            _setup.Logger.AgentStuck(_agent.Agent.Text, _setup.Execution.ToString(), failure.Message);
        }

        // An agent whose storage cannot be reached is not stuck: whoever waits for it waits for the storage.
        if (failure is RecoveryException { Error.Code: not RecoveryErrorCode.StorageUnavailable } refused)
        {
            _setup.Home.Stuck(_agent.Agent, refused.Error);
        }

        if (Interlocked.Exchange(ref _wakesLater, 1) == 0) // once, however many others wake it meanwhile
        {
            _ = WakeLaterAsync();
        }
    }

    // What it consumes cannot be read, in its sender's journal: tried at once, it would be tried over and over.
    private async Task PauseUnlessLoadedAgainAsync(AgentDriver driver)
    {
        try
        {
            if (driver is { IsBroken: false, MustReload: false })
            {
                await _setup.Scheduler.DelayAsync(StuckPause, _setup.Time, _stopping.Token);
            }
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
        {
            // The host stops.
        }
    }

    private async Task WakeLaterAsync()
    {
        try
        {
            await _setup.Scheduler.DelayAsync(StuckPause, _setup.Time, _stopping.Token);
            Volatile.Write(ref _wakesLater, 0);
            Wake();
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
        {
            // The host stops.
        }
    }
}
