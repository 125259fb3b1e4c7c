using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>
/// One run of a handler. Its calls are buffered and made durable together: at the turn's end, and before anything leaves that a crash could not take
/// back. Run again, it serves the recorded steps first.
/// </summary>
internal sealed partial class TurnRun : AgentTurn
{
    private readonly AgentDriver _driver;
    private readonly IncomingMessage _message;
    private readonly RecordedSteps _recorded;
    private readonly bool _replayOnly;
    private readonly List<BufferedStep> _buffer = [];
    private readonly List<(MessageId Message, CheckpointNumber SentIn)> _consumed = [];
    private readonly List<(Interval Producer, Interval Consumer)> _declared = [];
    private readonly CancellationTokenSource _stop;
    private readonly CancellationTokenSource _cut; // what the handler is given: also when its time is over, and when something outlives it
    private readonly TaskCompletionSource _finished = new();
    private CheckpointNumber _interval;
    private object _state;
    private CheckpointNumber _highest;
    private (int Consumed, int Declared) _looked;
    private int _waits;
    private volatile bool _isCut;
    private volatile bool _isOver;
    private Exception? _fault;

    private TurnRun(
        AgentDriver driver,
        IncomingMessage message,
        IEnumerable<(SequenceNumber Position, AgentEvent Record)> recorded,
        bool replayOnly,
        CapabilityView view,
        CancellationToken cancellationToken)
    {
        _view = view;
        _driver = driver;
        _message = message;
        _recorded = new RecordedSteps(recorded);
        _rejected = new(_recorded.Rejected());
        _replayOnly = replayOnly;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _cut = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        CancellationToken = _cut.Token;
        _state = driver.CopyOfState();
        _interval = _recorded.BeginsIn(driver.History);
        _highest = driver.History.Current;
    }

    internal override AgentId Agent => _driver.Setup.Agent;

    internal override ExecutionAddress Execution => _driver.Setup.Execution;

    internal override MessageId Message => _message.Id;

    internal override Interval Interval => new(Agent, _interval);

    internal override Incarnation Incarnation => _driver.History.Incarnation;

    internal override CancellationToken CancellationToken { get; }

    internal override object State
    {
        get => _state;
        set => _state = value;
    }

    /// <summary>It was told to stop.</summary>
    internal bool IsStopped => _stop.IsCancellationRequested;

    /// <summary>It was told to stop and did not: nothing more of it is journalled.</summary>
    internal bool IsFenced { get; private set; }

    /// <summary>Something of it is in the journal.</summary>
    internal bool HasJournalled { get; private set; }

    internal static TurnRun Begin(AgentDriver driver, IncomingMessage message, CapabilityView view, CancellationToken cancellationToken)
    {
        var turn = new TurnRun(driver, message, [], false, view, cancellationToken);
        if (driver.History.Live.Count == 0)
        {
            turn._buffer.Add(new BufferedStep(new IntervalOpened(CheckpointNumber.First, driver.History.Incarnation, IntervalCause.Start, turn.Now())));
        }

        turn.Consume(message, IntervalCause.Message, driver.Setup.Policy.Checkpoints != CheckpointRule.ExplicitOnly, null);
        return turn;
    }

    internal static TurnRun Resume(
        AgentDriver driver,
        IncomingMessage message,
        IEnumerable<(SequenceNumber Position, AgentEvent Record)> recorded,
        CapabilityView view,
        CancellationToken cancellationToken) =>
        new(driver, message, recorded, false, view, cancellationToken) { HasJournalled = true };

    internal static TurnRun Replay(
        AgentDriver driver, IncomingMessage message, IEnumerable<(SequenceNumber Position, AgentEvent Record)> recorded, ReplayAudit? audit) =>
        new(driver, message, recorded, true, CapabilityView.Empty, CancellationToken.None) { _audit = audit };

    /// <summary>Runs the handler; the result is the state's JSON when it ends.</summary>
    internal async Task<byte[]> RunAsync()
    {
        RunningTurn.Enter(this, isActing: false);
        try
        {
            await NoteCodeAsync();
            await (_message.Type == TaskRequest.TypeName ? RunTaskAsync() : RunHandlerAsync());
        }
        finally
        {
            lock (_buffer)
            {
                _isOver = true; // a context that was kept is of no use any more
            }
        }

        ThrowIfFaulted();
        if (_recorded.HasMore)
        {
            _at = _recorded.NextPosition;
            throw Deviates("ended before that", $"{_recorded.TakeNext().Kind}");
        }

        return AgentJson.WriteState(_state, _driver.Behavior.State);
    }

    private async Task RunHandlerAsync()
    {
        try
        {
            await HandleAsync(_message.Type, _message.Payload);
        }
        catch (DeclinedException declined) when (_message.AwaitsReply)
        {
            Reply(Declined.TypeName, () => Write(declined.Declined, typeof(Declined)));
        }
    }

    private async Task HandleAsync(string type, JsonElement payload)
    {
        if (!_driver.Behavior.Handlers.TryGetValue(type, out var handler))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.UndeliverableMessage,
                $"The agent class {_driver.Behavior.AgentType.Name} has no handler for {type}.",
                "The message stays in the inbox, and the agent waits.",
                $"Give the class a handler for {type} again (for a method of a grain: the method), or send the message to another agent.");
        }

        await handler.HandleAsync(AgentJson.Read(payload, handler.Message), this);
    }

    /// <summary>Runs the handler from its record alone.</summary>
    internal async Task<byte[]> ReplayAsync()
    {
        try
        {
            return await RunAsync();
        }
#pragma warning disable CA1031 // Whatever an agent's code throws: when it was recorded it came to its end.
        catch (Exception failure) when (failure is not RecoveryException)
#pragma warning restore CA1031
        {
            throw Deviates($"failed ({failure.GetType().Name}: {failure.Message})", "a turn that had ended");
        }
        finally
        {
            Finish();
        }
    }

    internal void Finish()
    {
        var scheduler = _driver.Setup.Scheduler;
        scheduler.Wake(_finished);
        if (Volatile.Read(ref _waits) == 0)
        {
            Dispose();
            return;
        }

        _ = scheduler.CancelAsync(_cut).ContinueWith(_ => Dispose(), CancellationToken.None, TaskContinuationOptions.None, scheduler); // nobody waits for it any more
    }

    private void Dispose()
    {
        _cut.Dispose();
        _stop.Dispose();
    }

    /// <summary>Tells the handler to stop and waits for it; one that does not stop in time is fenced.</summary>
    internal async Task StopAsync(TimeSpan patience)
    {
        try
        {
            await _driver.Setup.Scheduler.CancelAsync(_stop);
            await _finished.Task.WaitAsync(patience, _driver.Setup.Time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            IsFenced = true;
        }
        catch (ObjectDisposedException)
        {
            // It has ended in the meantime.
        }
    }

    /// <summary>Did it consume, in what is not yet durable, something that these ranges invalidate?</summary>
    internal bool ConsumedAny(IReadOnlyList<InvalidatedRange> ranges)
    {
        lock (_buffer)
        {
            return _consumed.Exists(consumed => ranges.Any(range => range.Producer == consumed.Message.Sender && consumed.SentIn >= range.From));
        }
    }

    /// <summary>
    /// Looks at what is not yet durable before it becomes so: did it consume something that is barred or dead by now, or declare a dependency that cannot be?
    /// </summary>
    /// <returns>False when the turn must stop.</returns>
    /// <exception cref="RecoveryException"><c>UnknownInterval</c> or <c>CyclicDependency</c>: the declared dependency.</exception>
    internal async Task<bool> MayBecomeDurableAsync(ParticipantState participant, CancellationToken cancellationToken)
    {
        List<(MessageId Message, CheckpointNumber SentIn)> consumed;
        List<(Interval Producer, Interval Consumer)> declared;
        lock (_buffer)
        {
            (consumed, declared) = ([.. _consumed], [.. _declared]);
            _looked = (consumed.Count, declared.Count);
        }

        if (consumed.Exists(item => participant.Bars(new Interval(item.Message.Sender, item.SentIn)))
            || declared.Exists(item => participant.Bars(item.Producer))
            || (consumed.Count > 0 && await _driver.Setup.Environment.IsAnyDeadAsync(consumed.ConvertAll(item => item.Message), cancellationToken)))
        {
            return false;
        }

        foreach (var (producer, consumer) in declared)
        {
            if (!await _driver.Setup.Environment.MayDeclareAsync(producer, consumer, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// What is to be made durable, beginning at this position of the journal; null when something came in since <see cref="MayBecomeDurableAsync"/> looked.
    /// </summary>
    internal List<AgentEvent>? TryTakeBuffer(SequenceNumber first)
    {
        lock (_buffer)
        {
            if (_looked != (_consumed.Count, _declared.Count))
            {
                return null;
            }

            var taken = new List<AgentEvent>(_buffer.Count);
            foreach (var step in _buffer)
            {
                taken.Add(step.PlaceAt(SequenceNumber.Of(first.Number + taken.Count)));
            }

            _buffer.Clear();
            _consumed.Clear();
            _declared.Clear();
            HasJournalled |= taken.Count > 0;
            return taken;
        }
    }

    /// <summary>The turn failed: what it has not sent stays unsent, and what it declared undeclared.</summary>
    internal void DropUnsent()
    {
        lock (_buffer)
        {
            _declared.Clear();

            // With it goes what came after it: a handler that is run again must find its steps as it makes them. Outcomes stay with their intents.
            if (_buffer.FindIndex(step => step.GoesWithTurn) is var first and >= 0)
            {
                var stays = _buffer[..first];
                stays.AddRange(_buffer[first..].Where(step => step.IsOutcome && (step.Intent is not { Position: null } intent || stays.Contains(intent))));
                _buffer.Clear();
                _buffer.AddRange(stays);
            }
        }
    }

    private void Consume(IncomingMessage message, IntervalCause cause, bool opens, SequenceNumber? inReplyTo)
    {
        lock (_buffer)
        {
            if (opens)
            {
                OpenInterval(cause);
            }

            Add(new BufferedStep(new MessageConsumed(
                message.Id,
                message.SentIn,
                message.SenderIncarnation,
                message.Dependency,
                message.Strength,
                cause == IntervalCause.Message,
                inReplyTo,
                cause == IntervalCause.Message ? CodeInUse : null)));
            _consumed.Add((message.Id, message.SentIn));
        }
    }

    private void OpenInterval(IntervalCause cause)
    {
        _highest = _highest.Next;
        _interval = _highest;
        Add(new BufferedStep(new IntervalOpened(_interval, _driver.History.Incarnation, cause, Now())));
    }

    // The one way in: of a turn that is over nothing can become durable but what it had by then, whoever still runs in it.
    private BufferedStep Add(BufferedStep step)
    {
        lock (_buffer)
        {
            if (_isOver)
            {
                throw new TurnStoppedException();
            }

            _buffer.Add(step);
            SignOfLife();
            return step;
        }
    }

    private long Now() => _driver.Setup.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
