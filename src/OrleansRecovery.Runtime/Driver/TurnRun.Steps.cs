using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Driver;

/// <content>What a handler may ask for: each call is served from the record, or done and recorded.</content>
internal sealed partial class TurnRun
{
    internal override void Send(AgentId to, object message, Type type, DependencyStrength strength)
    {
        var name = MessageTypes.NameOf(type);
        RefuseInTask(name);
        _ = AddSend(to, name, () => Write(message, type), DependencyKind.Message, strength, null);
    }

    internal override JsonElement Write(object message, Type type) => AgentJson.Write(message, AgentJson.TypeInfo(type, _driver.Behavior.AgentType));

    internal override object Read(JsonElement payload, Type type) => AgentJson.Read(payload, AgentJson.TypeInfo(type, _driver.Behavior.AgentType));

    internal override void Reply(string type, Func<JsonElement> payload)
    {
        if (_task is null)
        {
            AddReply(type, payload);
        }
        else
        {
            AnswerTask(type, payload);
        }
    }

    private void AddReply(string type, Func<JsonElement> payload) =>
        AddSend(
            _message.Id.Sender,
            type,
            payload,
            _message.AwaitsReply ? DependencyKind.Result : DependencyKind.Message,
            DependencyStrength.Required,
            _message.Id);

    internal override void Declare(Interval producer, DependencyKind kind, DependencyStrength strength)
    {
        if (TryTake<DependencyDeclared>("a declared dependency", out var declared, out _))
        {
            Check(declared.Producer == producer, $"declared {producer}", $"{declared.Producer}");
            Check(_audit is null || (declared.Dependency, declared.Strength) == (kind, strength), $"declared {producer} as {kind}, {strength}", $"{declared.Dependency}, {declared.Strength}");
            return;
        }

        Buffer(new DependencyDeclared(producer, kind, strength));
        lock (_buffer)
        {
            _declared.Add((producer, Interval));
        }
    }

    internal override Task CheckpointAsync()
    {
        if (!TryTake<IntervalOpened>("a checkpoint", out _, out _))
        {
            lock (_buffer)
            {
                OpenInterval(IntervalCause.Checkpoint);
            }
        }

        return Task.CompletedTask;
    }

    internal override async Task<AgentResponse> AskAsync(AgentId to, string type, Func<JsonElement> payload)
    {
        RefuseInTask(type);
        var (recordedAt, buffered) = AddSend(to, type, payload, DependencyKind.Message, DependencyStrength.Required, null, awaitsReply: true);
        var request = recordedAt ?? await FlushedAsync(buffered!);
        IncomingMessage response;
        if (_recorded.ResponseTo(request) is { } recorded)
        {
            response = await _driver.Setup.Environment.ReadMessageAsync(recorded.Consumed.Message, CancellationToken);
            _interval = _recorded.IntervalAfter(recorded.Position) ?? _interval;
        }
        else
        {
            ThrowIfWithoutResponse();
            response = await ResponseAsync(new MessageId(Agent, request));
            Consume(response, IntervalCause.Response, _driver.Setup.Policy.Checkpoints == CheckpointRule.EveryReceipt, request);
        }

        return new AgentResponse(response.Type, response.Payload);
    }

    private Task<IncomingMessage> ResponseAsync(MessageId request) =>
        WaitingAsync(() => OrFaultedAsync(_driver.Setup.Environment.ResponseAsync(request, _rejected, CancellationToken)));

    // Its request stands in the journal without an end: a handler that caught this and went on could not be replayed, whatever it was.
    private async Task<T> OrFaultedAsync<T>(Task<T> asked)
    {
        try
        {
            return await asked;
        }
        catch (Exception failure) when (!_replayOnly)
        {
            _fault ??= failure;
            throw;
        }
    }

    internal override Task<object?> RecordAsync(string name, Type type, Func<CancellationToken, Task<object?>> read)
    {
        AgentAction.RefuseReserved(name);
        return RecordAsync(name, type, read, isGated: _task is not null);
    }

    // Its place is taken when it is asked for, so that a handler may ask for several values at once.
    private async Task<object?> RecordAsync(string name, Type type, Func<CancellationToken, Task<object?>> read, bool isGated)
    {
        var info = AgentJson.TypeInfo(type, _driver.Behavior.AgentType);
        if (!TryTake<ActionIntended>($"the recorded value '{name}'", out var intended, out var position))
        {
            var value = new ActionIntended(name, ActionClass.Pure, Nothing, false, false);
            var admission = isGated ? Pass(GateStep.Value, value, Charge.OneCall) : null;
            var intent = admission?.Intent ?? Buffer(value);
            if (admission is not null)
            {
                await FlushedAsync(intent);
            }

            return await ReadAsync(
                name, info, read, (succeeded, result) => BufferedStep.OutcomeOf(intent, succeeded, result, Settled(admission, null, !succeeded)));
        }

        Check(intended.Name == name, $"asked for the value '{name}'", $"'{intended.Name}'");
        var passed = isGated ? Passed(intended, position) : null;
        if (_recorded.OutcomeOf(position) is { } outcome)
        {
            return outcome.Succeeded ? outcome.Result.Deserialize(info) : throw new ActionFailedException(name, outcome.Result.ToString());
        }

        return _replayOnly
            ? await NeverAsync()
            : await ReadAsync(
                name, info, read, (succeeded, result) => new BufferedStep(new ActionSettled(position, succeeded, result, Settled(passed, null, !succeeded))));
    }

    // The handler ended without waiting for it.
    private static Task<object?> NeverAsync() => new TaskCompletionSource<object?>().Task;

    private async Task<object?> ReadAsync(string name, JsonTypeInfo info, Func<CancellationToken, Task<object?>> read, Func<bool, JsonElement, BufferedStep> outcome)
    {
        try
        {
            RunningTurn.Enter(this, isActing: true);
            var value = await read(CancellationToken);
            var result = AgentJson.Write(value, info);
            Buffer(outcome(true, result));
            return value;
        }
#pragma warning disable CA1031 // Whatever the reading throws is what it came to: a handler that goes on sees the same in a replay.
        catch (Exception failure) when (!IsStopped && failure is not TurnStoppedException)
#pragma warning restore CA1031
        {
            Buffer(outcome(false, JsonSerializer.SerializeToElement(failure.Message)));
            throw new ActionFailedException(name, failure.Message, failure);
        }
    }

    internal override async Task<object?> ActAsync(ActionBehavior action, object? argument)
    {
        if (TryTake<ActionIntended>($"the action '{action.Name}'", out var intended, out var position))
        {
            Check(intended.Name == action.Name, $"called '{action.Name}'", $"'{intended.Name}'");
            CheckContent($"called '{action.Name}' with", intended.Argument, () => action.WriteArgument(argument));
            var passed = Passed(intended, position);
            if (_recorded.OutcomeOf(position) is { } outcome)
            {
                return outcome.Succeeded ? action.ReadResult(outcome.Result) : throw new ActionFailedException(action.Name, outcome.Result.ToString());
            }

            if (_replayOnly)
            {
                return await NeverAsync();
            }

            // The process died between intent and outcome. What may run twice is run again under the same key; the rest is for the recovery.
            return action.Class is ActionClass.Idempotent or ActionClass.Pure
                ? await ExecuteAsync(action, argument, position, intended.Capability, passed)
                : throw new InDoubtActionException(action.Name);
        }

        var argumentJson = action.WriteArgument(argument);
        if (_task is not null)
        {
            return await ActInTaskAsync(action, argument, argumentJson);
        }

        if (action.Class == ActionClass.Pure)
        {
            return await ActPureAsync(action, argument, argumentJson);
        }

        var allowedByPolicy = action.Class == ActionClass.Irrevocable && await AwaitSealedPastAsync();
        var intent = new ActionIntended(action.Name, action.Class, argumentJson, allowedByPolicy, action.CompensateAsync is not null, null, Judge(action).Capability);
        return await ExecuteAsync(action, argument, await FlushedAsync(Buffer(intent)), intent.Capability);
    }

    // A pure action leaves nothing behind: it need not be durable before it runs. Its place is taken when it is asked for, so that a handler may ask for several at once.
    private async Task<object?> ActPureAsync(ActionBehavior action, object? argument, JsonElement argumentJson)
    {
        var id = new ActionId(Agent, _driver.History.Next);
        var capability = Judge(action).Capability;
        var intent = Buffer(new ActionIntended(action.Name, ActionClass.Pure, argumentJson, false, false, null, capability));
        if (capability is not null)
        {
            await FlushedAsync(intent);
        }

        if (await FaultOfUseAsync(action, capability) is { } refused)
        {
            throw await RefusedAsync(action, refused, await FlushedAsync(intent), null);
        }

        try
        {
            var result = await RunWithTimeoutAsync(action, argument, id);
            Buffer(BufferedStep.OutcomeOf(intent, true, action.WriteResult(result)));
            await FlushAsync();
            return result;
        }
        catch (ActionFailedException failure)
        {
            Buffer(BufferedStep.OutcomeOf(intent, false, JsonSerializer.SerializeToElement(failure.Reason)));
            throw new ActionFailedException(action.Name, failure.Reason, failure); // as a replay throws it
        }
    }

    private async Task<object?> ExecuteAsync(ActionBehavior action, object? argument, SequenceNumber position, CapabilityId? capability, Admission? admission = null)
    {
        if (await FaultOfUseAsync(action, capability) is { } refused)
        {
            throw await RefusedAsync(action, refused, position, admission);
        }

        var id = new ActionId(Agent, position);
        try
        {
            var result = await RunWithTimeoutAsync(action, argument, id);
            Buffer(new ActionSettled(position, true, action.WriteResult(result), Settled(admission, action.Price?.Actual(argument, result), false)));
            await _driver.FlushAsync(this, null, CancellationToken.None);
            return result;
        }
        catch (ActionFailedException failure)
        {
            Buffer(new ActionSettled(position, false, JsonSerializer.SerializeToElement(failure.Reason), Settled(admission, failure.Spent is { } spent ? spent with { Calls = 1 } : Charge.OneCall, true)));
            throw new ActionFailedException(action.Name, failure.Reason, failure); // as a replay throws it
        }
        catch (Exception unknown) when (action.Class != ActionClass.Pure && unknown is not TurnStoppedException && !_driver.IsBroken)
        {
            throw new InDoubtActionException(action.Name, unknown);
        }
    }

    private async Task<object?> RunWithTimeoutAsync(ActionBehavior action, object? argument, ActionId id)
    {
        RunningTurn.Enter(this, isActing: true);
        var context = new ActionContext(id, _driver.KeyOf(id, "do"), CancellationToken);
        using var span = RecoverySpans.StartAction(id, action.Name, action.Class);
        try
        {
            return await action.ExecuteAsync(argument, context)
                .WaitAsync(TimeLimit(), _driver.Setup.Time, CancellationToken);
        }
        catch (Exception failure)
        {
            span.Failed(failure);
            throw;
        }
    }

    // True when the past was not sealed and policy lets the action run all the same.
    private async Task<bool> AwaitSealedPastAsync()
    {
        await FlushAsync();
        var environment = _driver.Setup.Environment;
        if (await environment.IsPastSealedAsync(Interval, CancellationToken))
        {
            return false;
        }

        if (_driver.Setup.Policy.IrrevocableActions == IrrevocableActionRule.Allow)
        {
            return true;
        }

        return await WaitingAsync(async () =>
        {
            await environment.PastSealedAsync(Interval, CancellationToken);
            return false;
        });
    }

    // Where the step stands in the journal, once it is durable: another call's flush may have taken it along. What it was durable for begins only if the turn goes on.
    private async Task<SequenceNumber> FlushedAsync(BufferedStep step)
    {
        await FlushAsync();
        ThrowIfOver("the step that is durable now");
        return step.Position!.Value;
    }

    // To the end, also when the handler's time is over meanwhile: what is durable would not be known.
    private Task FlushAsync() => _replayOnly ? NeverAsync() : _driver.FlushAsync(this, null, _stop.Token);

    private (SequenceNumber? RecordedAt, BufferedStep? Buffered) AddSend(
        AgentId to,
        string name,
        Func<JsonElement> payload,
        DependencyKind kind,
        DependencyStrength strength,
        MessageId? inReplyTo,
        bool awaitsReply = false)
    {
        RefuseUnlessKnown(to, name);
        if (TryTake<MessageSent>($"a {name} to {to}", out var sent, out var position))
        {
            Check(sent.To == to && sent.Type == name, $"sent {name} to {to}", $"{sent.Type} to {sent.To}");
            Check(
                _audit is null || (sent.Dependency, sent.Strength, sent.InReplyTo, sent.AwaitsReply) == (kind, strength, inReplyTo, awaitsReply),
                $"sent {name} to {to} as {kind}, {strength}, in reply to {inReplyTo}",
                $"{sent.Dependency}, {sent.Strength}, in reply to {sent.InReplyTo}");
            CheckContent($"sent {name} to {to}:", TaskAnswer.WithoutSpent(name, sent.Payload), () => TaskAnswer.WithoutSpent(name, payload()));
            return (position, null);
        }

        return (null, Buffer(new MessageSent(to, name, payload(), kind, strength, inReplyTo, awaitsReply)));
    }

    // What leaves nothing behind: its outcome stands right behind its intent.
    private void BufferValue(string name, JsonElement argument, JsonElement result, bool succeeded)
    {
        lock (_buffer)
        {
            var intent = Add(new BufferedStep(new ActionIntended(name, ActionClass.Pure, argument, false, false)));
            Add(BufferedStep.OutcomeOf(intent, succeeded, result));
        }
    }

    private BufferedStep Buffer(AgentEvent record) => Buffer(new BufferedStep(record));

    private BufferedStep Buffer(BufferedStep step)
    {
        if ((IsStopped || _isCut) && !step.IsOutcome)
        {
            throw new TurnStoppedException();
        }

        return Add(step);
    }
}
