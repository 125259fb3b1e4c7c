using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Runtime.Driver;

/// <content>The turn of a worker: a handler that is held to a contract.</content>
internal sealed partial class TurnRun
{
    internal override AgentTask? CurrentTask => _task is { } task
        ? new AgentTask(
            task.Id, task.Request.Contract, DateTimeOffset.FromUnixTimeMilliseconds(task.Request.Deadline), task.Request.Round, task.Request.Reasons)
        : null;

    internal override void Attach(string name, string mediaType, ReadOnlyMemory<byte> content)
    {
        var task = _task ?? throw new InvalidOperationException("Content goes with the result of a task, and the handled message is none.");
        lock (_buffer)
        {
            task.Attachments.Add(new TaskAttachment(name, mediaType, content.ToArray(), ContentChecks.ChecksumOf(content.Span)));
        }
    }

    // A contract that cannot be accepted is found so by every replay too: nothing but the answer is recorded.
    private async Task RunTaskAsync()
    {
        try
        {
            var request = TaskJson.ReadRequest(_message.Payload);
            if (_driver.Behavior.Handlers.TryGetValue(request.Type, out var handler))
            {
                _ = AgentJson.Read(request.Message, handler.Message);
            }

            var id = request.TaskOf(_message.Id);
            _task = new TaskInHand(request, id, Incarnation, _driver.History.Tasks.Of(id));
        }
        catch (RecoveryException invalid) when (
            invalid.Error.Code is RecoveryErrorCode.InvalidContract or RecoveryErrorCode.CompoundContract or RecoveryErrorCode.UnreadableValue)
        {
            AddReply(TaskRefusal.TypeName, () => TaskJson.Write(new TaskRefusal(invalid.Error.Cause, default, GateRefusal.InvalidContract)));
            return;
        }

        try
        {
            await BeginTaskAsync();
            await HandleInTimeAsync();
        }
        catch (StepRefusedException refused) when (!_task.HasActed && !HasReplied() && refused.Refusal != GateRefusal.StaleLease)
        {
            _state = _driver.CopyOfState();
            Refuse(refused.Refusal, $"{refused.Step}: {refused.Reason}");
        }

        if (!HasReplied())
        {
            Refuse(null, "The handler ended without a result.");
        }

        if (!_replayOnly && _lastSign != 0)
        {
            BufferValue(AttemptEnd.StepName, Attempt(AttemptResult.Answered), Nothing, succeeded: true);
        }
    }

    private async Task BeginTaskAsync()
    {
        var type = _task!.Request.Type;
        if (TryTake<ActionIntended>($"the task's {type}", out var intended, out var position))
        {
            Check(intended.Gate is { Step: GateStep.Handler }, "began a task", $"the action '{intended.Name}'");
            _ = Passed(intended, position);
            return;
        }

        var admission = Pass(
            GateStep.Handler, new ActionIntended(type, ActionClass.Pure, Nothing, false, false), default, _driver.Behavior.Handlers.ContainsKey(type), capabilityFault: Judge().Fault);
        Buffer(BufferedStep.OutcomeOf(admission.Intent!, true, Nothing, Settled(admission, default(Charge), hasFailed: false)));
        await FlushAsync(); // accepted: what follows may cost
    }

    // The time is the task's, also while it waits; silence is the worker's own. A replay takes no time.
    private async Task HandleInTimeAsync()
    {
        var request = _task!.Request;
        SignOfLife();
        var handling = HandleAsync(request.Type, request.Message);
        try
        {
            await (_replayOnly ? handling : WatchedAsync(handling, request));
        }
        catch (DeclinedException declined)
        {
            Answer(TaskRefusal.TypeName, () => TaskJson.Write(new TaskRefusal(declined.Message, Charged(), null, declined.Code)));
        }
    }

    private async Task WatchedAsync(Task handling, TaskRequest request)
    {
        while (true)
        {
            var (signs, left) = Silence();
            var time = TimeSpan.FromMilliseconds(Math.Clamp(request.Deadline - Now(), 1, request.Contract.TimeBudgetMilliseconds));
            if (await HasEndedAsync(handling, time < left ? time : left))
            {
                await handling;
                return;
            }

            if (time <= left || Now() >= request.Deadline)
            {
                await CutOffAsync(handling);
                throw new TimeoutException($"The task {_task!.Id} took longer than {request.Contract.TimeBudgetMilliseconds} ms.");
            }

            if (IsSilentSince(signs))
            {
                SignOfLife(); // what it takes to stop is none of its silence
                await CutOffAsync(handling);
                throw new SilentException($"The task {_task!.Id} showed no sign of life for {_silenceMax} ms.");
            }
        }
    }

    // However it ends: one that ends just when its limit does has ended.
    private async Task<bool> HasEndedAsync(Task handling, TimeSpan limit)
    {
        await handling.WaitAsync(limit, _driver.Setup.Time, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return handling.IsCompleted;
    }

    // Told to stop, it begins nothing any more, and what it is in the midst of may end: as when a recovery stops it. After that nothing of it counts.
    private async Task CutOffAsync(Task handling)
    {
        _isCut = true;
        var setup = _driver.Setup;
        try
        {
            await setup.Scheduler.CancelAsync(_cut);
            await handling.WaitAsync(TimeSpan.FromMilliseconds(setup.Policy.ActionTimeoutMilliseconds), setup.Time, CancellationToken.None);
        }
#pragma warning disable CA1031 // However the handler ends now, its time was over before.
        catch (Exception)
#pragma warning restore CA1031
        {
            // The task's failure is that it took too long.
        }
    }

    private void Refuse(GateRefusal? refusal, string reason) =>
        Answer(TaskRefusal.TypeName, () => TaskJson.Write(new TaskRefusal(reason, Charged(), refusal)));

    private void AnswerTask(string type, Func<JsonElement> payload) => Answer(TaskResult.TypeName, () =>
    {
        var value = payload();
        return TaskJson.Write(new TaskResult(type, value, ContentChecks.ChecksumOf(value), [.. _task!.Attachments], Charged()));
    });

    // A task has one answer, whoever of a handler's branches gives it.
    private void Answer(string type, Func<JsonElement> payload)
    {
        lock (_buffer)
        {
            if (_task!.HasReplied)
            {
                throw new InvalidOperationException($"The task {_task.Id} has its answer already.");
            }

            AddReply(type, payload);
            _task.HasReplied = true;
        }
    }

    private bool HasReplied()
    {
        lock (_buffer)
        {
            return _task!.HasReplied;
        }
    }

    private Charge Charged()
    {
        lock (_buffer)
        {
            return _task!.Account.Balance.Charged;
        }
    }
}
