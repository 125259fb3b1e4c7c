using System.Text;
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
internal sealed class ForeignJournal(MailboxSetup setup, AgentId agent) : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly StreamId _stream = StreamId.OfAgent(setup.Execution, agent);
    private AgentHistory? _history;
    private volatile ParticipantState _participant = ParticipantState.Initial(agent);

    public bool MayConsume => _participant.Phase == ParticipantPhase.Active;

    public bool Bars(PendingMessage message) => _participant.Bars(new Interval(message.Id.Sender, message.SentIn));

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync(CancellationToken.None); // what is being written comes to its end
        _gate.Dispose();
    }

    public async Task<SequenceNumber> NextAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var history = await LoadedAsync(cancellationToken);
            if (history.Next.Number != await setup.Journal.VersionAsync(_stream, cancellationToken))
            {
                _history = null; // another activation wrote: the agent would wait here for what it has done there
                history = await LoadedAsync(cancellationToken);
            }

            return history.Next;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task<SequenceNumber> SealAsync(CheckpointNumber interval, IssuerId by, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var history = await LoadedAsync(cancellationToken);
            if (history.Find(interval) is { IsSealed: false })
            {
                await WriteAsync(history, [new IntervalSealed(interval, by)], isChecked: false, cancellationToken);
            }

            return history.Next;
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
            return await AppendHereAsync(at, given, cancellationToken);
        }
        catch (StaleAppendException stale) when (stale.Stream == _stream)
        {
            return await AppendHereAsync(at, given, cancellationToken); // another activation wrote, perhaps these very records: now it is known what
        }
        finally
        {
            _gate.Release();
        }
    }

    private static RecoveryException Stale(SequenceNumber at, SequenceNumber next) => RecoveryException.Of(
        RecoveryErrorCode.StaleWriter,
        $"The journal's next record is {next}, not {at}.",
        "Nothing of the append was written.",
        $"Read the records from {at} on; another process of this agent, or the host, was there first.");

    private static RecoveryException Refused(string cause, string nextStep) =>
        RecoveryException.Of(RecoveryErrorCode.IllegalTransition, cause, "Nothing of the append was written.", nextStep);

    // Times are the host's: the detection window is measured by them.
    private static AgentEvent At(AgentEvent record, long now) => record switch
    {
        IntervalOpened opened => opened with { At = now },
        RolledBack back => back with { At = now },
        _ => record,
    };

    private async Task<SequenceNumber> AppendHereAsync(SequenceNumber at, IReadOnlyList<AgentEvent> given, CancellationToken cancellationToken)
    {
        var history = await LoadedAsync(cancellationToken);
        if (at > history.Next)
        {
            _history = null; // another activation may have written what this one does not know
            history = await LoadedAsync(cancellationToken);
        }

        if (at != history.Next)
        {
            var stored = at < history.Next ? await StoredAsync(at, given.Count, cancellationToken) : [];
            if (!stored.Select(Content).SequenceEqual(given.Select(Content)))
            {
                throw Stale(at, history.Next);
            }

            await ObserveAsync(at, stored, cancellationToken); // it may be what failed the first time
            return history.Next;
        }

        var now = setup.Time.GetUtcNow().ToUnixTimeMilliseconds();
        await WriteAsync(history, [.. given.Select(record => At(record, now))], isChecked: true, cancellationToken);
        return history.Next;
    }

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

    private async Task<List<AgentEvent>> StoredAsync(SequenceNumber at, int countMax, CancellationToken cancellationToken)
    {
        var stored = new List<AgentEvent>(countMax);
        await foreach (var record in setup.Journal.ReadAsync(_stream, at.Number, cancellationToken))
        {
            if (stored.Count == countMax || record.Position != at.Number + stored.Count)
            {
                break;
            }

            stored.Add(AgentEventJson.Read(record.Body.Span));
        }

        return stored;
    }

    private static string Content(AgentEvent record) => Encoding.UTF8.GetString(AgentEventJson.Write(At(record, 0)));

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

        var append = new StreamAppend(_stream, at.Number, [.. records.Select(record => new ReadOnlyMemory<byte>(AgentEventJson.Write(record)))], []);
        await setup.Journal.AppendMeasuredAsync(append, cancellationToken);
        (_history, _participant) = (history, participant);
        await ObserveAsync(at, records, cancellationToken);
    }

    private Task ObserveAsync(SequenceNumber at, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken)
    {
        setup.Memory.Messages.Note(setup.Execution, agent, at, records);
        return setup.Home.ObserveAsync(agent, at, [.. records.Select(LoadedExecution.WithoutPayload)], cancellationToken);
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
