using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// The mailbox of an agent that runs elsewhere. It forwards what the coordinator says, in order, until it has arrived or is no longer outstanding; keeps the
/// journal; and tells the agent what waits for it. It runs no participant: the agent does.
/// </summary>
public sealed class ForeignMailbox : IAgentMailbox
{
    private const int MessagesMax = 16;

    private readonly MailboxSetup _setup;
    private readonly AgentId _agent;
    private readonly ForeignJournal _journal;
    private readonly Lock _sync = new();
    private readonly LinkedList<Outstanding> _outstanding = [];
    private readonly Dictionary<RecoveryId, HashSet<string>> _refused = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _forwarding = Task.CompletedTask;
    private readonly Pulse _woken;
    private volatile bool _isStopped;

    /// <summary>A mailbox for an agent of a foreign class.</summary>
    public ForeignMailbox(MailboxSetup setup, AgentId agent)
    {
        _setup = setup;
        _woken = new Pulse(setup.Scheduler);
        _agent = agent;
        _journal = new ForeignJournal(setup, agent);
    }

    /// <inheritdoc/>
    public bool IsBusy
    {
        get
        {
            lock (_sync)
            {
                return _outstanding.Count > 0;
            }
        }
    }

    /// <inheritdoc/>
    public void Wake() => _woken.Beat();

    /// <inheritdoc/>
    public void Remind() => Wake(); // the agent has a clock of its own, and asks by itself

    /// <inheritdoc/>
    public void Post(ParticipantMessage message, SequenceNumber version)
    {
        lock (_sync)
        {
            if (message is Abort or Release)
            {
                _refused.Remove(message.Recovery);
            }

            if (_isStopped || (_refused.TryGetValue(message.Recovery, out var refused) && refused.Contains(_setup.ContentOf(message))))
            {
                return; // what was refused is not repeated unchanged (draft, R-DRV-5)
            }

            foreach (var replaced in _outstanding.Where(earlier => IsReplaced(earlier.Message, message)).ToList())
            {
                _outstanding.Remove(replaced);
                replaced.Over.Cancel();
            }

            _outstanding.AddLast(new Outstanding(message, CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token)));
            if (_forwarding.IsCompleted)
            {
                _forwarding = _setup.Scheduler.RunAsync(ForwardAsync);
            }
        }
    }

    /// <inheritdoc/>
    public Task SealAsync(CheckpointNumber interval, IssuerId by) => UnlessStoppedAsync(token => _journal.SealAsync(interval, by, token), CancellationToken.None);

    /// <inheritdoc/>
    public Task<Collected?> CollectAsync(CheckpointNumber line) => Task.FromResult<Collected?>(null); // without copies of its state it needs its whole journal

    /// <summary>As <see cref="IForeignClient.TellAsync"/>.</summary>
    public void Tell(ParticipantMessage message) => _setup.Home.Tell(message);

    /// <summary>As <see cref="IForeignClient.AppendAsync"/>.</summary>
    public Task<SequenceNumber> AppendAsync(SequenceNumber at, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken) =>
        UnlessStoppedAsync(token => _journal.AppendAsync(at, records, token), cancellationToken);

    /// <summary>As <see cref="IForeignClient.InboxAsync"/>.</summary>
    public Task<ForeignInbox> InboxAsync(SequenceNumber? request, TimeSpan patience, CancellationToken cancellationToken) =>
        UnlessStoppedAsync(token => WaitAsync(request, patience, token), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_sync)
        {
            _isStopped = true;
        }

        await _setup.Scheduler.CancelAsync(_stopping);
        await _forwarding;
        await _journal.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task<T> UnlessStoppedAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        CancellationTokenSource over;
        lock (_sync)
        {
            over = _isStopped ? throw ExecutionDriver.HostStopped() : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        }

        try
        {
            return await call(over.Token);
        }
        catch (OperationCanceledException) when (_isStopped && !cancellationToken.IsCancellationRequested)
        {
            throw ExecutionDriver.HostStopped();
        }
        finally
        {
            over.Dispose();
        }
    }

    private async Task<ForeignInbox> WaitAsync(SequenceNumber? request, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var over = _setup.Scheduler.DelayAsync(patience, _setup.Time, enough.Token);
        try
        {
            while (true)
            {
                var woken = _woken.Next;
                var inbox = await LookAsync(request, cancellationToken);
                if (inbox.Messages.Count > 0 || over.IsCompleted)
                {
                    return inbox;
                }

                await Task.WhenAny(woken, over);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await _setup.Scheduler.CancelAsync(enough);
        }
    }

    private async Task<ForeignInbox> LookAsync(SequenceNumber? request, CancellationToken cancellationToken)
    {
        var next = await _journal.NextAsync(cancellationToken);
        var situation = await _setup.Home.SituationAsync(_agent, next, cancellationToken);
        IReadOnlyList<PendingMessage> waiting = situation.Pending;
        if (request is { } asked)
        {
            if (asked >= next)
            {
                throw RecoveryException.Of(
                    RecoveryErrorCode.InvalidNumber, $"The journal of {_agent} has no request {asked}: it ends before it.", "Nothing was changed.", "Ask for the response to a request that is in the journal.");
            }

            waiting = [.. await _setup.Home.ResponsesAsync(_agent, new MessageId(_agent, asked), cancellationToken), .. waiting];
        }

        var messages = new List<IncomingMessage>();
        foreach (var message in _journal.MayConsume && !situation.IsHeld ? waiting.Where(message => !_journal.Bars(message)).Take(MessagesMax) : [])
        {
            messages.Add(await _setup.Memory.Messages.ReadAsync(_setup.Journal, _setup.Execution, message, cancellationToken));
        }

        return new ForeignInbox(next, situation.IsHeld, messages);
    }

    // A repetition replaces what it repeats, the end of a recovery everything before it, and an answered prepare is not asked again.
    private static bool IsReplaced(ParticipantMessage earlier, ParticipantMessage later) => earlier.Recovery == later.Recovery
        && (later is Abort or Release || earlier is Prepare
            || (earlier.Kind == later.Kind && (earlier is not Compensate before || later is not Compensate after || (before.Try == after.Try && before.Actions.SequenceEqual(after.Actions)))));

    private async Task ForwardAsync()
    {
        while (true)
        {
            Outstanding next;
            lock (_sync)
            {
                if (_outstanding.First is not { } first || _isStopped)
                {
                    _forwarding = Task.CompletedTask; // whoever posts next starts again
                    return;
                }

                next = first.Value;
            }

            await ForwardAsync(next);
            lock (_sync)
            {
                _outstanding.Remove(next);
            }

            next.Over.Dispose();
        }
    }

    private async Task ForwardAsync(Outstanding next)
    {
        try
        {
            var situation = await _setup.Home.SituationAsync(_agent, SequenceNumber.First, next.Over.Token);
            if (_setup.Catalog.FindForeign(situation.Class) is not { } agent
                || !await agent.DeliverAsync(new AddressedMessage(_setup.Execution, next.Message), next.Over.Token))
            {
                lock (_sync)
                {
                    (_refused.TryGetValue(next.Message.Recovery, out var refused) ? refused : _refused[next.Message.Recovery] = []).Add(_setup.ContentOf(next.Message));
                }

                _setup.Logger.ForeignAgentRefused(_agent.Text, _setup.Execution.ToString(), WireNames.Of(next.Message.Kind));
            }
        }
        catch (OperationCanceledException) when (next.Over.IsCancellationRequested)
        {
            // No longer outstanding, or the host stops.
        }
#pragma warning disable CA1031 // The edge of the delivery: what is lost is asked for, or said again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _setup.Logger.AgentStuck(_agent.Text, _setup.Execution.ToString(), failure.Message);
        }
    }

    private sealed record Outstanding(ParticipantMessage Message, CancellationTokenSource Over);
}
