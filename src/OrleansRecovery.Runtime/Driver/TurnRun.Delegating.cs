using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Driver;

/// <content>The turn of a delegator: tasks that it gives, and what it makes of their results.</content>
internal sealed partial class TurnRun
{
    private readonly Dictionary<string, (TaskRequest Request, Task<DelegatedResult> Result)> _delegated = new(StringComparer.Ordinal);

    internal override Task<DelegatedResult> DelegateAsync(Delegation delegation)
    {
        var (to, contract, type, message, _) = delegation;
        if ((TaskContracts.FaultOf(contract) ?? TaskContracts.ScopeFaultOf(contract, message)) is { } fault)
        {
            throw new RecoveryException(fault);
        }

        RefuseUnlessKnown(to, type);
        var request = new TaskRequest(contract, Execution, Agent, to, type, message, Now(), 0, []);
        if (_delegated.TryGetValue(contract.Key, out var known))
        {
            RefuseUnlessSame(known.Request, request);
            return known.Result;
        }

        var result = DelegateOnceAsync(request, delegation);
        _delegated.Add(contract.Key, (request, result));
        return result;
    }

    private async Task<DelegatedResult> DelegateOnceAsync(TaskRequest request, Delegation delegation)
    {
        if (IsKnownTask(request.Contract.Key))
        {
            return await FollowAsync(request, delegation);
        }

        var (step, admission) = EnterDelegation(request); // both at once: where they stand follows from the handler alone
        var sent = SendTask(request);
        var position = sent.RecordedAt ?? await FlushedAsync(sent.Buffered!);
        return await EndAsync(position, position, sent.Request, delegation, step, admission);
    }

    // The key was used in an earlier turn: what became of that task is a recorded value of this one.
    private async Task<DelegatedResult> FollowAsync(TaskRequest request, Delegation delegation)
    {
        var found = (KnownTask)(await RecordAsync(
            KnownTask.StepName, typeof(KnownTask), async token => await KnownTask.ReadAsync(_driver, request.Contract.Key, token), isGated: false))!;
        RefuseUnlessSame(found.First, request);
        return found.Verdict is { Verdict: not Verdict.Revise } verdict
            ? Ended(new MessageId(Agent, found.Task), found.Last.Round, TaskAnswer.Of(found.ResponseType!, found.Response!.Value), verdict)
            : await EndAsync(found.Task, found.Request, found.Last, delegation, null, null);
    }

    private bool IsKnownTask(string key) => _recorded.HasMore
        ? _recorded.Next is ActionIntended { Name: KnownTask.StepName }
        : _driver.History.SentWith(key) is not null;

    // Waits for a result, judges it, hands it back while the contract says so.
    private async Task<DelegatedResult> EndAsync(
        SequenceNumber task, SequenceNumber first, TaskRequest request, Delegation delegation, SequenceNumber? step, Admission? admission)
    {
        var id = new MessageId(Agent, task);
        var position = first;
        while (true)
        {
            var (answer, judgement) = await JudgedAsync(id, position, request, delegation);
            if (judgement.Verdict != Verdict.Revise)
            {
                await SettleDelegationAsync(step, admission, answer.Spent, hasFailed: answer.Result is null || judgement.Verdict == Verdict.Reject);
                return Ended(id, request.Round, answer, judgement);
            }

            request = request with { Round = request.Round + 1, Reasons = judgement.Reasons, Task = task };
            position = _recorded.RevisionAt(KeyOf(request)) ?? await FlushedAsync(Buffer(Sent(request)));
        }
    }

    private async Task<(TaskAnswer Answer, Judgement Judgement)> JudgedAsync(MessageId task, SequenceNumber position, TaskRequest request, Delegation delegation)
    {
        var setup = _driver.Setup;
        if (_recorded.ResponseTo(position) is { } recorded)
        {
            var told = await setup.Environment.ReadMessageAsync(recorded.Consumed.Message, CancellationToken);
            _interval = _recorded.IntervalAfter(recorded.Position) ?? _interval;
            var known = TaskAnswer.Of(told.Type, told.Payload);
            return (known, _recorded.JudgementOf(position) ?? Recorded(position, await JudgeAsync(known, request, delegation)));
        }

        ThrowIfOver("a result");
        var rejected = new HashSet<MessageId>();
        while (true)
        {
            var response = await ResponseAsync(new MessageId(Agent, position), rejected);
            var answer = TaskAnswer.Of(response.Type, response.Payload);
            var judgement = await JudgeAsync(answer, request, delegation);
            if (judgement.Verdict == Verdict.Reject && request.Contract.Escalation == EscalationCondition.RejectedResult
                && await SignalAsync(response, task, judgement))
            {
                rejected.Add(response.Id); // it falls, and another one comes
                continue;
            }

            lock (_buffer)
            {
                Consume(response, IntervalCause.Response, setup.Policy.Checkpoints == Protocol.Policy.CheckpointRule.EveryReceipt, position);
                return (answer, Recorded(position, judgement));
            }
        }
    }

    private async Task<bool> SignalAsync(IncomingMessage response, MessageId task, Judgement judgement)
    {
        try
        {
            return await _driver.Setup.Environment.ResultRejectedAsync(
                new Interval(response.Id.Sender, response.SentIn),
                response.SenderIncarnation,
                ContentChecks.ChecksumOf(response.Payload),
                $"The result {response.Id} of the task {task} was rejected: {string.Join(" ", judgement.Reasons)}");
        }
        catch (RecoveryException refused)
        {
            _fault = refused; // nobody heard of it, and the request stands in the journal without a response
            throw;
        }
    }

    // The author's own verification may ask a model: like every judgement it is made once, and recorded. Where it fails the turn does, whatever the handler catches.
    private async Task<Judgement> JudgeAsync(TaskAnswer answer, TaskRequest request, Delegation delegation)
    {
        if (answer.Result is not { } result)
        {
            return answer.Refusal is not null
                ? new Judgement(Verdict.Pass, [])
                : ResultRules.Judge(request.Contract, request.Round, [new Finding($"It is a {answer.Type}, and no result of a task.", IsCorrupt: true)]);
        }

        var findings = ResultRules.FindingsOf(request.Contract, result);
        try
        {
            return ResultRules.Judge(
                request.Contract, request.Round, findings.Count > 0 ? findings : await delegation.VerifyAsync(result.Value, CancellationToken));
        }
        catch (Exception failure) when (!_replayOnly)
        {
            _fault ??= failure;
            throw;
        }
    }

    private Judgement Recorded(SequenceNumber request, Judgement judgement)
    {
        lock (_buffer)
        {
            var intent = new BufferedStep(
                new ActionIntended(RecordedSteps.VerdictName, ActionClass.Pure, JsonSerializer.SerializeToElement(request.Number), false, false));
            _buffer.Add(intent);
            _buffer.Add(BufferedStep.OutcomeOf(intent, true, JsonSerializer.SerializeToElement(judgement, AgentJson.Options)));
            return judgement;
        }
    }

    private static DelegatedResult Ended(MessageId task, int round, TaskAnswer answer, Judgement judgement) =>
        answer switch
        {
            { Refusal: { Refusal: null, Code: { } code } declined } => throw new DeclinedException(code, declined.Reason),
            { Refusal: { } refused } => throw new TaskFailedException(task, refused.Refusal, [refused.Reason], refused.Spent),
            { Result: { } result } when judgement.Verdict == Verdict.Pass => new DelegatedResult(task, result, round),
            _ => throw new TaskFailedException(task, null, judgement.Reasons, answer.Spent),
        };

    // Within a task: charged with the whole budget that it may use, until it has ended.
    private (SequenceNumber? Step, Admission? Admission) EnterDelegation(TaskRequest request)
    {
        if (_task is null)
        {
            return (null, null);
        }

        if (TryTake<ActionIntended>($"the delegation of {request.Type}", out var intended, out var position))
        {
            Check(intended.Gate is { Step: GateStep.Delegation } && intended.Name == request.Type, $"it delegated {request.Type}, and '{intended.Name}' was recorded");
            return (position, Passed(intended, position));
        }

        var argument = JsonSerializer.SerializeToElement(request.Contract.Key);
        return (null, Pass(
            GateStep.Delegation,
            new ActionIntended(request.Type, ActionClass.Pure, argument, false, false),
            request.Contract.CostBudget + Charge.OneCall,
            delegated: request.Contract));
    }

    private async Task SettleDelegationAsync(SequenceNumber? step, Admission? admission, Charge spent, bool hasFailed)
    {
        if (admission is null || (step is { } recorded && _recorded.OutcomeOf(recorded) is not null))
        {
            return;
        }

        var outcome = JsonSerializer.SerializeToElement(hasFailed ? "no result" : "a result");
        var actual = Settled(admission with { WasInterrupted = false }, spent + Charge.OneCall, hasFailed);
        Buffer(new BufferedStep(new ActionSettled(step ?? admission.Intent!.Position!.Value, !hasFailed, outcome, actual)));
        await _driver.FlushAsync(this, null, CancellationToken);
    }

    private (SequenceNumber? RecordedAt, BufferedStep? Buffered, TaskRequest Request) SendTask(TaskRequest request)
    {
        if (TryTake<MessageSent>($"a task for {request.Worker}", out var sent, out var position))
        {
            Check(
                sent.To == request.Worker && sent.Type == TaskRequest.TypeName && sent.Key == request.Contract.Key,
                $"it delegated {request.Contract.Key} to {request.Worker}, and {sent.Type} {sent.Key} to {sent.To} was recorded");
            return (position, null, TaskJson.ReadRequest(sent.Payload)); // the time begins when it did
        }

        return (null, Buffer(Sent(request)), request);
    }

    private static MessageSent Sent(TaskRequest request) => new(
        request.Worker, TaskRequest.TypeName, TaskJson.Write(request), DependencyKind.Message, DependencyStrength.Required, null, true, KeyOf(request));

    // No name has a slash: so the key of a revision is nobody's own.
    private static string KeyOf(TaskRequest request) => request.Round == 0 ? request.Contract.Key : $"{request.Contract.Key}/{request.Round}";

    private void RefuseUnlessKnown(AgentId to, string name)
    {
        if (!_driver.Setup.Environment.Knows(to))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.UndeliverableMessage,
                $"Agent {Agent} sends {name} to {to}, which is no agent of execution {Execution}.",
                "The turn fails; the message was not sent.",
                $"Start the execution with an agent named {to}, or send to one that it has.");
        }
    }

    private static void RefuseUnlessSame(TaskRequest known, TaskRequest request)
    {
        if (!JsonElement.DeepEquals(Undated(known), Undated(request)))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.ReusedKey,
                $"The task {request.Contract.Key} was delegated before, to {known.Worker}, with another contract or message.",
                "It was not delegated again; the first one stands.",
                "Delegate the same again, or give the new task a new key.");
        }

        static JsonElement Undated(TaskRequest request) => TaskJson.Write(request with { DelegatedAt = 0, Round = 0, Reasons = [], Task = null });
    }
}
