using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// The journal of an agent that runs elsewhere and is not trusted to keep it well: a record is taken when it may come next (<see cref="JournalRules"/>) and
/// when what it rests on is there. In memory is the fold of what is stored, which is read again after any doubt.
/// </summary>
internal sealed class ForeignJournal(MailboxSetup setup, AgentId agent) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly StreamId _stream = StreamId.OfAgent(setup.Execution, agent);
    private AgentHistory? _history;
    private volatile ParticipantState _participant = ParticipantState.Initial(agent);

    public bool MayConsume => _participant.Phase == ParticipantPhase.Active;

    public bool Bars(PendingMessage message) => _participant.Bars(new Interval(message.Id.Sender, message.SentIn));

    public void Dispose() => _gate.Dispose();

    public async Task<SequenceNumber> NextAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return (await LoadedAsync(cancellationToken)).Next;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task SealAsync(CheckpointNumber interval, IssuerId by, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var history = await LoadedAsync(cancellationToken);
            if (history.Find(interval) is { IsSealed: false })
            {
                await WriteAsync(history, [new IntervalSealed(interval, by)], isChecked: false, cancellationToken);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<SequenceNumber> AppendAsync(SequenceNumber at, IReadOnlyList<AgentEvent> given, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var history = await LoadedAsync(cancellationToken);
            if (at > history.Next)
            {
                _history = null; // another activation may have written what this one does not know
                history = await LoadedAsync(cancellationToken);
            }

            if (at != history.Next)
            {
                return at < history.Next && await IsThereAsync(at, given, cancellationToken) ? history.Next : throw Stale(at, history.Next, null);
            }

            var now = setup.Time.GetUtcNow().ToUnixTimeMilliseconds();
            await WriteAsync(history, [.. given.Select(record => At(record, now))], isChecked: true, cancellationToken);
            return history.Next;
        }
        finally
        {
            _gate.Release();
        }
    }

    private static RecoveryException Stale(SequenceNumber at, SequenceNumber next, Exception? inner) => RecoveryException.Of(
        RecoveryErrorCode.StaleWriter,
        $"The journal's next record is {next}, not {at}.",
        "Nothing of the append was written.",
        $"Read the records from {at} on; another process of this agent, or the host, was there first.",
        inner);

    private static RecoveryException Refused(string cause, string nextStep) =>
        RecoveryException.Of(RecoveryErrorCode.IllegalTransition, cause, "Nothing of the append was written.", nextStep);

    // Times are the host's: the detection window is measured by them.
    private static AgentEvent At(AgentEvent record, long now) => record switch
    {
        IntervalOpened opened => opened with { At = now },
        RolledBack back => back with { At = now },
        _ => record,
    };

    private async Task<AgentHistory> LoadedAsync(CancellationToken cancellationToken)
    {
        if (_history is not { } history)
        {
            var records = await AgentJournal.ReadAsync(setup.Journal, _stream, cancellationToken);
            history = AgentHistory.Read(agent, records);
            _participant = records.Aggregate(ParticipantState.Initial(agent), (state, item) => state.After(item.Record));
            _history = history;
        }

        return history;
    }

    private async Task<bool> IsThereAsync(SequenceNumber at, IReadOnlyList<AgentEvent> given, CancellationToken cancellationToken)
    {
        var count = 0;
        await foreach (var stored in setup.Journal.ReadAsync(_stream, at.Number, cancellationToken))
        {
            if (count == given.Count)
            {
                break;
            }

            if (stored.Position != at.Number + count || !AgentEventJson.Write(At(given[count], 0)).AsSpan().SequenceEqual(AgentEventJson.Write(At(AgentEventJson.Read(stored.Body.Span), 0))))
            {
                return false;
            }

            count++;
        }

        return count == given.Count;
    }

    // What is in memory goes on as if the records were durable, and is dropped if they do not become so.
    private async Task WriteAsync(AgentHistory history, IReadOnlyList<AgentEvent> records, bool isChecked, CancellationToken cancellationToken)
    {
        var (at, participant) = (history.Next, _participant);
        _history = null;
        foreach (var record in records)
        {
            if (isChecked)
            {
                await CheckAsync(history, participant, record, cancellationToken);
            }

            history.Apply(record);
            participant = participant.After(record);
        }

        try
        {
            var append = new StreamAppend(_stream, at.Number, [.. records.Select(record => new ReadOnlyMemory<byte>(AgentEventJson.Write(record)))], []);
            await setup.Journal.AppendMeasuredAsync(append, cancellationToken);
        }
        catch (StaleAppendException stale)
        {
            throw Stale(at, SequenceNumber.Of(stale.Actual), stale);
        }

        (_history, _participant) = (history, participant);
        await setup.Home.ObserveAsync(agent, at, [.. records.Select(LoadedExecution.WithoutPayload)], cancellationToken);
    }

    private async Task CheckAsync(AgentHistory history, ParticipantState participant, AgentEvent record, CancellationToken cancellationToken)
    {
        if (JournalRules.FaultOf(history, participant, record) is { } fault)
        {
            throw new RecoveryException(fault);
        }

        if (record is MessageConsumed { Message: var message } && history.Live.Any(interval => interval.Receipts.Exists(receipt => receipt.Consumed.Message == message)))
        {
            throw Refused($"Message {message} is consumed already.", "Consume it once.");
        }

        await CheckOthersAsync(history, record, cancellationToken);
    }

    // What rests on the journals of others.
    private async Task CheckOthersAsync(AgentHistory history, AgentEvent record, CancellationToken cancellationToken)
    {
        var here = new Interval(agent, history.Current);
        switch (record)
        {
            case MessageConsumed consumed when !await WaitsAsync(consumed, cancellationToken):
                throw Refused($"Message {consumed.Message} does not wait for agent {agent} as the record says.", "Read the inbox again, and consume what it shows.");
            case MessageSent sent when sent.To != Outside.Agent && !setup.Agents.Contains(sent.To):
                throw RecoveryException.Of(
                    RecoveryErrorCode.UndeliverableMessage,
                    $"Agent {agent} sends to {sent.To}, which is no agent of execution {setup.Execution}.",
                    "Nothing of the append was written.",
                    $"Start the execution with an agent named {sent.To}, or send to one that it has.");
            case DependencyDeclared declared when !await setup.Home.MayDeclareAsync(declared.Producer, here, cancellationToken):
                throw Refused($"The open recovery is about to undo {declared.Producer}.", "Drop what was read of it, and run the turn again when the recovery is over.");
            case ActionIntended { Class: ActionClass.Irrevocable } final
                when !(final.AllowedByPolicy ? setup.Policy.IrrevocableActions == IrrevocableActionRule.Allow : await setup.Home.IsPastSealedAsync(here, cancellationToken)):
                throw Refused($"The past of {here} is not sealed, and policy does not let irrevocable actions run before.", "Wait, and append the intent again: nothing may be done before it is durable.");
        }
    }

    private async Task<bool> WaitsAsync(MessageConsumed consumed, CancellationToken cancellationToken)
    {
        var isResponse = consumed.Dependency == DependencyKind.Result;
        if (isResponse != consumed.InReplyTo is not null)
        {
            return false;
        }

        var waiting = consumed.InReplyTo is { } request
            ? await setup.Home.ResponsesAsync(agent, new MessageId(agent, request), cancellationToken)
            : (await setup.Home.SituationAsync(agent, SequenceNumber.First, cancellationToken)).Pending;
        return waiting.Contains(new PendingMessage(consumed.Message, consumed.SentIn, consumed.SenderIncarnation));
    }
}
