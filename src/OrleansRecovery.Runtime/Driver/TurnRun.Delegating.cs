using System.Collections.Concurrent;
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
    private readonly ConcurrentDictionary<MessageId, RejectedResult> _rejected;

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

        var isKnown = IsKnownTask(contract.Key);
        var result = isKnown ? FollowAsync(request, delegation) : DelegateOnceAsync(request, delegation);
        if (isKnown || result.Exception?.InnerException is not StepRefusedException) // nothing was sent: the key is free
        {
            _delegated.Add(contract.Key, (request, result));
        }

        return result;
    }

    private async Task<DelegatedResult> DelegateOnceAsync(TaskRequest request, Delegation delegation)
    {
        SequenceNumber? step;
        Admission? admission;
        (SequenceNumber? RecordedAt, BufferedStep? Buffered, TaskRequest Request) sent;
        lock (_buffer) // both at once: where they stand follows from the handler alone, and the request stands right behind what charges it
        {
            (step, admission) = EnterDelegation(request, request.Contract.CostBudget + Charge.OneCall);
            sent = SendTask(request);
        }

        var position = sent.RecordedAt ?? await FlushedAsync(sent.Buffered!);
        return await EndAsync(position, position, sent.Request, delegation, (answer, hasFailed) =>
            SettleDelegationAsync(step, admission, answer.Spent is { } told ? told + Charge.OneCall : null, hasFailed));
    }

    // The key was used in an earlier turn: what became of that task is a recorded value of this one. The task is charged where it was delegated; to follow it is a call.
    private async Task<DelegatedResult> FollowAsync(TaskRequest request, Delegation delegation)
    {
        var reading = RecordAsync(
            KnownTask.StepName, typeof(KnownTask), async token => await KnownTask.ReadAsync(_driver, request.Contract.Key, token), isGated: false);
        PassFollowing(request);
        var found = (KnownTask)(await reading)!;
        RefuseUnlessSame(found.First, request);
        if (found.Verdict is { Verdict: not Verdict.Revise } verdict)
        {
            var answer = TaskAnswer.Of(found.ResponseType!, found.Response!.Value);
            SettleFollowed(found, answer, HasFailed(answer, verdict));
            return Ended(new MessageId(Agent, found.Task), found.Last.Round, answer, verdict);
        }

        return await EndAsync(found.Task, found.Request, found.Last, delegation, (answer, hasFailed) =>
        {
            SettleFollowed(found, answer, hasFailed);
            return Task.CompletedTask;
        });
    }

    // As if it was delegated now, but for time that it does not get anew; what it costs is known at once.
    private void PassFollowing(TaskRequest request)
    {
        lock (_buffer)
        {
            var (_, admission) = EnterDelegation(request with { Contract = request.Contract with { TimeBudgetMilliseconds = 0 } }, Charge.OneCall);
            if (admission?.Intent is { } intent)
            {
                Buffer(BufferedStep.OutcomeOf(intent, true, Told(hasFailed: false), Settled(admission, Charge.OneCall, hasFailed: false)));
            }
        }
    }

    // What was charged when it was delegated, in a turn that did not wait for it.
    private void SettleFollowed(KnownTask found, TaskAnswer answer, bool hasFailed)
    {
        if (found.Charged is not { } charged || _recorded.OutcomeOf(charged.Step) is not null)
        {
            return;
        }

        var spent = answer.Spent is { } told ? told + Charge.OneCall : charged.Reserved;
        lock (_buffer)
        {
            if (_task is { } task && task.Account.IndexOf(charged.Step) is var entry and >= 0)
            {
                task.Account = task.Account.Settle(entry, spent, hasFailed);
            }

            Buffer(new ActionSettled(charged.Step, !hasFailed, Told(hasFailed), spent));
        }
    }

    private bool IsKnownTask(string key) => _recorded.HasMore
        ? _recorded.Next is ActionIntended { Name: KnownTask.StepName }
        : _driver.History.SentWith(key) is not null;

    // Waits for a result, judges it, hands it back while the contract says so.
    private async Task<DelegatedResult> EndAsync(
        SequenceNumber task, SequenceNumber first, TaskRequest request, Delegation delegation, Func<TaskAnswer, bool, Task> settleAsync)
    {
        var id = new MessageId(Agent, task);
        var position = first;
        while (true)
        {
            var (answer, judgement) = await JudgedAsync(position, request, delegation);
            if (judgement.Verdict != Verdict.Revise)
            {
                await settleAsync(answer, HasFailed(answer, judgement));
                return Ended(id, request.Round, answer, judgement);
            }

            request = request with { Round = request.Round + 1, Reasons = judgement.Reasons, Task = task };
            position = _recorded.RevisionAt(KeyOf(request)) ?? await FlushedAsync(Buffer(Sent(request)));
        }
    }

    private static bool HasFailed(TaskAnswer answer, Judgement judgement) => answer.Result is null || judgement.Verdict == Verdict.Reject;

    private async Task<(TaskAnswer Answer, Judgement Judgement)> JudgedAsync(SequenceNumber position, TaskRequest request, Delegation delegation)
    {
        var setup = _driver.Setup;
        if (_recorded.ResponseTo(position) is { } recorded)
        {
            var told = await setup.Environment.ReadMessageAsync(recorded.Consumed.Message, CancellationToken);
            _interval = _recorded.IntervalAfter(recorded.Position) ?? _interval;
            var known = TaskAnswer.Of(told.Type, told.Payload);
            return (known, _recorded.JudgementOf(position) ?? Recorded(position, await JudgeAsync(known, request, delegation)));
        }

        ThrowIfWithoutResponse();
        while (true)
        {
            var response = await ResponseAsync(new MessageId(Agent, position));
            var answer = TaskAnswer.Of(response.Type, response.Payload);
            if (!_rejected.TryGetValue(response.Id, out var rejected)) // one that was rejected, and for which nothing falls, is the answer after all
            {
                var found = await JudgeAsync(answer, request, delegation);
                rejected = new RejectedResult(ContentChecks.ChecksumOf(response.Payload), found);
                if (found.Verdict == Verdict.Reject && request.Contract.Escalation == EscalationCondition.RejectedResult)
                {
                    await RejectAsync(response.Id, rejected);
                    continue; // it falls, and another one comes
                }
            }

            lock (_buffer)
            {
                Consume(response, IntervalCause.Response, setup.Policy.Checkpoints == Protocol.Policy.CheckpointRule.EveryReceipt, position);
                return (answer, Recorded(position, rejected.Judgement));
            }
        }
    }

    // Durable before anybody is told: whoever takes over after a crash knows what it signalled, and asks nobody again whether the result is good.
    private async Task RejectAsync(MessageId response, RejectedResult rejected)
    {
        BufferValue(RecordedSteps.RejectedName, JsonSerializer.SerializeToElement(response, AgentJson.Options), JsonSerializer.SerializeToElement(rejected, AgentJson.Options), true);
        await FlushAsync();
        _rejected[response] = rejected;
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

        return await OrFaultedAsync(VerifiedAsync(result));

        async Task<Judgement> VerifiedAsync(TaskResult told)
        {
            var findings = ResultRules.FindingsOf(request.Contract, told);
            RunningTurn.Enter(this, isActing: true); // what it calls is recorded as its findings, and as no step of its own
            return ResultRules.Judge(request.Contract, request.Round, findings.Count > 0 ? findings : await delegation.VerifyAsync(told.Value, CancellationToken));
        }
    }

    private Judgement Recorded(SequenceNumber request, Judgement judgement)
    {
        BufferValue(Judgement.StepName, JsonSerializer.SerializeToElement(request.Number), JsonSerializer.SerializeToElement(judgement, AgentJson.Options), true);
        return judgement;
    }

    private static DelegatedResult Ended(MessageId task, int round, TaskAnswer answer, Judgement judgement) =>
        answer switch
        {
            { Refusal: { Refusal: null, Code: { } code } declined } => throw new DeclinedException(code, declined.Reason),
            { Refusal: { } refused } => throw new TaskFailedException(task, refused.Refusal, [refused.Reason], answer.Spent ?? default),
            { Result: { } result } when judgement.Verdict == Verdict.Pass => new DelegatedResult(task, result, round),
            _ => throw new TaskFailedException(task, null, judgement.Reasons, answer.Spent ?? default),
        };

    // Within a task: charged with the whole budget that it may use, until it has ended.
    private (SequenceNumber? Step, Admission? Admission) EnterDelegation(TaskRequest request, Charge charge)
    {
        if (_task is null)
        {
            return (null, null);
        }

        if (TryTake<ActionIntended>($"the delegation of {request.Type}", out var intended, out var position))
        {
            Check(intended.Gate is { Step: GateStep.Delegation } && intended.Name == request.Type, $"delegated {request.Type}", $"'{intended.Name}'");
            return (position, Passed(intended, position));
        }

        var argument = JsonSerializer.SerializeToElement(request.Contract.Key);
        return (null, Pass(
            GateStep.Delegation,
            new ActionIntended(request.Type, ActionClass.Pure, argument, false, false),
            charge,
            delegated: request.Contract));
    }

    private async Task SettleDelegationAsync(SequenceNumber? step, Admission? admission, Charge? spent, bool hasFailed)
    {
        if (admission is null || (step is { } recorded && _recorded.OutcomeOf(recorded) is not null))
        {
            return;
        }

        var actual = Settled(admission with { WasInterrupted = false }, spent, hasFailed);
        Buffer(new BufferedStep(new ActionSettled(step ?? admission.Intent!.Position!.Value, !hasFailed, Told(hasFailed), actual)));
        await FlushAsync();
    }

    private static JsonElement Told(bool hasFailed) => JsonSerializer.SerializeToElement(hasFailed ? "no result" : "a result");

    private (SequenceNumber? RecordedAt, BufferedStep? Buffered, TaskRequest Request) SendTask(TaskRequest request)
    {
        if (TryTake<MessageSent>($"a task for {request.Worker}", out var sent, out var position))
        {
            Check(
                sent.To == request.Worker && sent.Type == TaskRequest.TypeName && sent.Key == request.Contract.Key,
                $"delegated {request.Contract.Key} to {request.Worker}",
                $"{sent.Type} {sent.Key} to {sent.To}");
            var began = TaskJson.ReadRequest(sent.Payload); // the time begins when it did
            CheckContent($"delegated to {request.Worker}", Undated(began), () => Undated(request));
            return (position, null, began);
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
    }

    private static JsonElement Undated(TaskRequest request) => TaskJson.Write(request with { DelegatedAt = 0, Round = 0, Reasons = [], Task = null });
}
