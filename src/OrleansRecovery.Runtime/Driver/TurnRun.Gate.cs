using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Driver;

/// <content>The one place that asks the gate (ADR 8-guarded-execution). A turn that is no task has none.</content>
internal sealed partial class TurnRun
{
    private static readonly JsonElement Nothing = JsonSerializer.SerializeToElement<object?>(null);

    private TaskInHand? _task;

    /// <summary>What a turn knows of the task that it works at. Guarded by the buffer's lock.</summary>
    private sealed class TaskInHand(TaskRequest request, MessageId id, Incarnation incarnation, TaskAccount account)
    {
        public TaskRequest Request { get; private set; } = request;

        public MessageId Id { get; } = id;

        /// <summary>In which the turn began: its lease.</summary>
        public Incarnation Incarnation { get; } = incarnation;

        public TaskAccount Account { get; set; } = account;

        public List<TaskAttachment> Attachments { get; } = [];

        /// <summary>Something was done that would have to be undone: a refusal cannot be an answer any more.</summary>
        public bool HasActed { get; set; }

        public bool HasReplied { get; set; }

        public void Accept(long now, long? deadline) => Request = Request.AcceptedAt(now, deadline);
    }

    /// <summary>A step that passed the gate.</summary>
    /// <param name="Intent">Its record, which is not durable yet; null when it was recorded before.</param>
    /// <param name="Entry">Its entry in the task's account.</param>
    /// <param name="Reserved">What it was charged.</param>
    /// <param name="WasInterrupted">A crash came between intent and outcome: what the first run cost nobody knows.</param>
    private sealed record Admission(BufferedStep? Intent, int Entry, Charge Reserved, bool WasInterrupted);

    /// <summary>Asks the gate for a step that is not recorded, and records what it says; what passes is charged beforehand.</summary>
    /// <param name="step">What wants to pass.</param>
    /// <param name="intended">Its record, as far as it is known.</param>
    /// <param name="charge">What it is estimated to cost.</param>
    /// <param name="isKnown">Is there such a handler or action?</param>
    /// <param name="isRefundable">Is what it costs given back when it is compensated?</param>
    /// <param name="delegated">Of a delegation: the contract.</param>
    /// <param name="mayWait">The step waits for something yet, and is asked for again: only a refusal is recorded.</param>
    /// <param name="capabilityFault">Why the code that would run may not be used, or null.</param>
    /// <exception cref="StepRefusedException">It does not pass.</exception>
    private Admission Pass(
        GateStep step,
        ActionIntended intended,
        Charge charge,
        bool isKnown = true,
        bool isRefundable = false,
        TaskContract? delegated = null,
        bool mayWait = false,
        string? capabilityFault = null)
    {
        var task = _task!;
        lock (_buffer)
        {
            var now = Now();
            if (step == GateStep.Handler)
            {
                task.Accept(now, task.Account.Deadline);
            }

            var holdsLease = !_isOver && !_isCut && !IsStopped && !IsFenced && task.Incarnation == _driver.History.Incarnation;
            var decision = Gate.Decide(new GateRequest(step, intended.Name, charge, now)
            {
                Task = task.Request,
                Sender = _message.Id.Sender,
                Agent = Agent,
                Execution = Execution,
                HoldsLease = holdsLease,
                IsKnown = isKnown,
                CapabilityFault = capabilityFault,
                Account = task.Account,
                Delegated = delegated,
            });
            var record = new GateRecord(
                task.Id,
                step,
                decision.Refusal is null ? charge : default,
                now,
                _driver.Behavior.Version,
                isRefundable,
                decision.Refusal,
                decision.Refusal is null && step == GateStep.Handler ? task.Request.Deadline : null,
                decision.Refusal is null && step == GateStep.Handler ? LimitSilence(null) : null);
            if (decision.Refusal is { } refusal)
            {
                if (holdsLease) // a turn that is over has no journal
                {
                    var refused = new BufferedStep(intended with { Class = ActionClass.Pure, HasCompensation = false, Gate = record });
                    Add(refused);
                    Add(BufferedStep.OutcomeOf(refused, false, JsonSerializer.SerializeToElement(decision.Reason)));
                }

                throw new StepRefusedException(intended.Name, refusal, decision.Reason!);
            }

            var intent = new BufferedStep(intended with { Gate = record });
            if (mayWait)
            {
                return new Admission(intent, -1, charge, false);
            }

            Add(intent);
            task.Account = task.Account.Reserve(null, intended.Name, record);
            task.HasActed |= step == GateStep.Delegation || intended.Class != ActionClass.Pure;
            return new Admission(intent, task.Account.Entries.Count - 1, charge, false);
        }
    }

    /// <summary>A recorded step: what the gate said of it then; null when it was asked nothing.</summary>
    /// <exception cref="StepRefusedException">It did not pass.</exception>
    /// <exception cref="Protocol.Errors.RecoveryException"><c>NonDeterministicReplay</c>: somebody else than the gate wrote it.</exception>
    private Admission? Passed(ActionIntended intended, SequenceNumber position)
    {
        if (_task is not { } task)
        {
            return null;
        }

        Check(intended.Gate is not null, $"asked the gate of its task for '{intended.Name}'", "a step that passed no gate");
        var gate = intended.Gate!;

        if (gate.Refusal is { } refusal)
        {
            throw new StepRefusedException(intended.Name, refusal, _recorded.OutcomeOf(position)?.Result.GetString() ?? string.Empty);
        }

        lock (_buffer)
        {
            if (gate.Deadline is { } deadline)
            {
                task.Accept(gate.At, deadline);
                LimitSilence(gate.SilenceMax);
            }

            task.HasActed |= gate.Step == GateStep.Delegation || intended.Class != ActionClass.Pure;
            return new Admission(null, task.Account.IndexOf(position), gate.Charge, true);
        }
    }

    /// <summary>What a step cost that ended: into the account, and to be recorded with its outcome. Null where nothing was charged.</summary>
    private Charge? Settled(Admission? admission, Charge? actual, bool hasFailed)
    {
        if (admission is null || _task is not { } task)
        {
            return null;
        }

        // What cannot be said is what was charged; what may have run twice cost that at least.
        var known = actual is { IsInRange: true } said ? said : admission.Reserved;
        var spent = admission.WasInterrupted ? Charge.Max(known, admission.Reserved) : known;
        lock (_buffer)
        {
            if (admission.Entry >= 0)
            {
                task.Account = task.Account.Settle(admission.Entry, spent, hasFailed);
            }
        }

        return spent;
    }

    // A message that is no delegation: in a task it never passes.
    private void RefuseInTask(string type)
    {
        if (_task is null)
        {
            return;
        }

        if (TryTake<ActionIntended>($"a refused {type}", out var intended, out var position))
        {
            Check(intended.Name == type, $"sent {type}", $"'{intended.Name}'");
            _ = Passed(intended, position);
        }

        _ = Pass(GateStep.Message, new ActionIntended(type, ActionClass.Pure, Nothing, false, false), default);
    }

    private async Task<object?> ActInTaskAsync(ActionBehavior action, object? argument, JsonElement argumentJson)
    {
        var isKnown = _driver.Behavior.Actions.TryGetValue(action.Name, out var registered) && ReferenceEquals(registered, action);
        var ruling = Judge(action);
        var intended = new ActionIntended(action.Name, action.Class, argumentJson, false, action.CompensateAsync is not null, null, ruling.Capability);
        var charge = action.Price?.Estimate(argument) ?? Charge.OneCall;
        var isRefundable = action.Price?.IsRefundable ?? false;
        if (action.Class == ActionClass.Irrevocable)
        {
            _ = Pass(GateStep.Action, intended, charge, isKnown, mayWait: true, capabilityFault: ruling.Fault); // what will be refused need not wait until its past is sealed
            intended = intended with { AllowedByPolicy = await AwaitSealedPastAsync() };
        }

        var admission = Pass(GateStep.Action, intended, charge, isKnown, isRefundable, capabilityFault: ruling.Fault);
        return await ExecuteAsync(action, argument, await FlushedAsync(admission.Intent!), intended.Capability, admission);
    }

    // How long a step may run: as policy says, and not longer than the task.
    private TimeSpan TimeLimit()
    {
        var policy = (long)_driver.Setup.Policy.ActionTimeoutMilliseconds;
        return TimeSpan.FromMilliseconds(_task is { } task ? Math.Clamp(task.Request.Deadline - Now(), 1, policy) : policy);
    }
}
