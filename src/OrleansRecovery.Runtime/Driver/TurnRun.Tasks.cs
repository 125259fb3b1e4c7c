using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

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
            var id = request.TaskOf(_message.Id);
            _task = new TaskInHand(request, id, Incarnation, _driver.History.Tasks.Of(id));
        }
        catch (RecoveryException invalid) when (invalid.Error.Code is RecoveryErrorCode.InvalidContract or RecoveryErrorCode.CompoundContract)
        {
            AddReply(TaskRefusal.TypeName, () => TaskJson.Write(new TaskRefusal(invalid.Error.Cause, default, GateRefusal.InvalidContract)));
            return;
        }

        try
        {
            await BeginTaskAsync();
            await HandleInTimeAsync();
        }
        catch (StepRefusedException refused) when (!_task.HasActed && refused.Refusal != GateRefusal.StaleLease)
        {
            _state = _driver.CopyOfState();
            Refuse(refused.Refusal, $"{refused.Step}: {refused.Reason}");
        }

        if (!_task.HasReplied)
        {
            Refuse(null, "The handler ended without a result.");
        }
    }

    private async Task BeginTaskAsync()
    {
        var type = _task!.Request.Type;
        if (TryTake<ActionIntended>($"the task's {type}", out var intended, out var position))
        {
            Check(intended.Gate is { Step: GateStep.Handler }, $"it began a task, and the action '{intended.Name}' was recorded");
            _ = Passed(intended, position);
            return;
        }

        var admission = Pass(
            GateStep.Handler, new ActionIntended(type, ActionClass.Pure, Nothing, false, false), default, _driver.Behavior.Handlers.ContainsKey(type));
        Buffer(BufferedStep.OutcomeOf(admission.Intent!, true, Nothing, Settled(admission, default(Charge), hasFailed: false)));
        await _driver.FlushAsync(this, null, CancellationToken); // accepted: what follows may cost
    }

    // The time is the task's, also while it waits. A replay takes no time.
    private async Task HandleInTimeAsync()
    {
        var request = _task!.Request;
        var handling = HandleAsync(request.Type, request.Message);
        try
        {
            await (_replayOnly
                ? handling
                : handling.WaitAsync(TimeSpan.FromMilliseconds(Math.Max(1, request.Deadline - Now())), _driver.Setup.Time, CancellationToken.None));
        }
        catch (DeclinedException declined)
        {
            Answer(TaskRefusal.TypeName, () => TaskJson.Write(new TaskRefusal(declined.Message, Charged(), null, declined.Code)));
        }
        catch (TimeoutException over) when (!handling.IsCompleted)
        {
            _isOver = true; // what it still does finds the gate shut
            throw new TimeoutException($"The task {_task.Id} took longer than {request.Contract.TimeBudgetMilliseconds} ms.", over);
        }
    }

    private void Refuse(GateRefusal? refusal, string reason) =>
        Answer(TaskRefusal.TypeName, () => TaskJson.Write(new TaskRefusal(reason, Charged(), refusal)));

    private void AnswerTask(string type, Func<JsonElement> payload) => Answer(TaskResult.TypeName, () =>
    {
        var value = payload();
        return TaskJson.Write(new TaskResult(type, value, ContentChecks.ChecksumOf(value), [.. _task!.Attachments], Charged()));
    });

    // A task has one answer.
    private void Answer(string type, Func<JsonElement> payload)
    {
        if (_task!.HasReplied)
        {
            throw new InvalidOperationException($"The task {_task.Id} has its answer already.");
        }

        _task.HasReplied = true;
        AddReply(type, payload);
    }

    private Charge Charged()
    {
        lock (_buffer)
        {
            return _task!.Account.Balance.Charged;
        }
    }
}
