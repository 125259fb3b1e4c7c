using System.Diagnostics;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What an input does to the two machines, before it is durable.</content>
public sealed partial class ExecutionDriver
{
    // Of signals that cannot be judged none is admitted; what else is in the batch goes on.
    private async Task<TenantConduct?> ReadConductAsync(List<Input> batch)
    {
        var judged = batch.FindAll(input => input is { Signal: not null, IsOwnSignal: false });
        if (judged.Count == 0)
        {
            return null;
        }

        try
        {
            return await _setup.Conduct.ReadAsync(Address.Tenant, _stopping.Token);
        }
#pragma warning disable CA1031 // The storage is in trouble, or the host stops: it belongs to the callers.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            batch.RemoveAll(judged.Contains);
            var told = failure is OperationCanceledException && _stopping.IsCancellationRequested ? HostStopped() : failure;
            judged.ForEach(input => input.Done?.TrySetException(told));
            Interlocked.Add(ref _inputCount, -judged.Count);
            return null;
        }
    }

    private void Apply(Work work, Input input)
    {
        if (input.Execution is { } execution)
        {
            ApplyExecution(work, input, execution(NewRecoveryId()));
        }
        else if (input.Coordinator is { } coordinator)
        {
            ApplyCoordinator(work, input, coordinator);
        }
    }

    private void ApplyExecution(Work work, Input input, ExecutionInput execution)
    {
        if (execution is ExecutionInput.Signalled signalled && !Admits(work, input, signalled.Signal))
        {
            return;
        }

        var step = ExecutionMachine.Apply(work.State, execution);
        if (!step.IsLegal)
        {
            _setup.Logger.IllegalInput(Address.ToString(), execution.Kind.ToString(), step.Row);
            input.Refusal = Protocol.Machines.IllegalTransition.Error("execution", step.Row, work.State.Phase.ToString(), execution.Kind.ToString());
            return;
        }

        work.State = step.State;
        work.Write(new ExecutionRecord(Input: execution), LedgerEntries.Of(Address.Execution, execution));
        foreach (var effect in step.Effects)
        {
            switch (effect)
            {
                case ExecutionEffect.OpenRecovery open:
                    OpenRecovery(work, open);
                    break;
                case ExecutionEffect.JoinRecovery join:
                    ApplyCoordinator(work, input, new CoordinatorInput.Joined(join.Signal));
                    break;
                default:
                    work.ExecutionEffects.Add(effect);
                    break;
            }
        }
    }

    // Decided where signals are written one after another, so that two with the same id do not both get through. A refused one changes nothing but the
    // refusal's record (recovery model, invariant 12).
    private bool Admits(Work work, Input input, FailureSignal signal)
    {
        if (input.IsOwnSignal)
        {
            // Said twice, it is one failure until its recovery has ended. One that ended without undoing it does not answer the next try's failure.
            if (Unanswered(work).Any(said => (said.Issuer, said.Signal) == (signal.Issuer, signal.Signal)))
            {
                return false;
            }

            work.Signals = work.Signals.With(signal);
            return true;
        }

        var verdict = SignalAdmission.Decide(
            work.Signals, _setup.Signals.Of(Address.Tenant), signal, Address, !TrySuspect(signal.Suspect), FaultOf(signal.Suspect), Now(), work.Conduct, Unanswered(work));
        work.Signals = verdict.Window;
        work.Conduct = verdict.Conduct;
        input.Refusal = verdict.Refusal;
        if (verdict is { Refusal: { } refusal, IsRecorded: true })
        {
            work.Entries.Add(LedgerEntries.OfRefusal(signal, refusal.Id));
        }

        return verdict.IsAdmitted;
    }

    private static IEnumerable<FailureSignal> Unanswered(Work work) => Unanswered(work.State, work.Open);

    private static IEnumerable<FailureSignal> Unanswered(ExecutionState state, CoordinatorState? open) => state.Waiting.Concat(open?.Signals ?? []);

    // What is not sealed counts as suspect from here on, until what is durable says otherwise: between this answer and the recovery it must not be collected.
    private bool TrySuspect(Interval interval)
    {
        lock (_sync)
        {
            return _index.TrySuspect(interval, SealedBefore());
        }
    }

    private void NoteSuspects()
    {
        lock (_sync)
        {
            _index.Suspect(Unanswered(_state, _open).Select(signal => signal.Suspect));
        }
    }

    // Opened in the same append as the input that asks for it, so that a crash leaves both or none.
    private void OpenRecovery(Work work, ExecutionEffect.OpenRecovery effect)
    {
        var opening = new RecoveryOpening(effect.Recovery, Address.Execution, Started.Policy, _epoch, effect.Signals);
        _newest = opening.Recovery;
        var step = CoordinatorMachine.Open(opening);
        work.Write(new ExecutionRecord(Coordinator: new CoordinatorRecord(opening, null, null)), LedgerEntries.OfOpening(opening));
        work.Take(step.State, step.Effects);
    }

    private void ApplyCoordinator(Work work, Input input, CoordinatorInput coordinator)
    {
        var recovery = input.Recovery ?? work.Open?.Recovery;
        var state = recovery is { } id ? work.Touched.GetValueOrDefault(id) ?? Find(id) : null;
        if (state is null)
        {
            Unknown(input, coordinator);
            return;
        }

        if (state.Epoch < _epoch && coordinator is not CoordinatorInput.Resumed)
        {
            ApplyCoordinator(work, new Input { Recovery = state.Recovery }, new CoordinatorInput.Resumed(_epoch)); // what it says now is said by this coordinator
            state = work.Touched[state.Recovery];
        }

        var step = CoordinatorMachine.Apply(state, coordinator);
        if (!step.IsLegal)
        {
            _setup.Logger.IllegalInput(Address.ToString(), coordinator.Kind.ToString(), step.Row);
            input.Refusal = Protocol.Machines.IllegalTransition.Error("coordinator", step.Row, state.Phase.ToString(), coordinator.Kind.ToString());
            return;
        }

        input.Refusal = step.Effects.OfType<CoordinatorEffect.RefuseRuling>().FirstOrDefault()?.Error;
        if (step.State != state)
        {
            var record = new CoordinatorRecord(null, state.Recovery, coordinator);
            work.Write(new ExecutionRecord(Coordinator: record), LedgerEntries.Of(state, coordinator, step.State));
        }

        work.Take(step.State, step.Effects);
        foreach (var effect in step.Effects)
        {
            TellExecution(work, state.Recovery, effect);
        }
    }

    // Decision and end reach the execution's machine in the same append, so that a crash leaves both or none.
    private void TellExecution(Work work, RecoveryId recovery, CoordinatorEffect effect)
    {
        if (effect is CoordinatorEffect.ConfirmDecision && work.State.Recovery is { IsDecided: false })
        {
            ApplyExecution(work, new Input(), new ExecutionInput.RecoveryDecided(recovery));
        }
        else if (effect is CoordinatorEffect.Announce announce)
        {
            ApplyExecution(work, new Input(), new ExecutionInput.RecoveryEnded(announce.Outcome, NewRecoveryId(), Now()));
        }
    }

    // Drawn where recoveries are opened one after another, so that their order is the order of their ids.
    private RecoveryId NewRecoveryId() => RecoveryIds.After(_newest, _setup.Time.GetUtcNow());

    private void Unknown(Input input, CoordinatorInput coordinator)
    {
        if (coordinator is CoordinatorInput.Asked asked)
        {
            _ = PresumeAbortAsync(asked.Message);
        }

        input.Refusal = UnknownRecovery(input.Recovery);
    }

    // A recovery that the log does not know was never durable, and so is aborted. Only the log can say so: one that was written since by somebody who took
    // over may be decided.
    private async Task PresumeAbortAsync(StatusQuery question)
    {
        try
        {
            if (await _setup.Journal.VersionAsync(StreamId.OfExecution(Address), _stopping.Token) == _version.Number)
            {
                _environment.Deliver(new Abort(question.Recovery, _epoch, question.Agent, AbortReason.NothingToUndo), _version);
            }
        }
#pragma warning disable CA1031 // The storage is in trouble, or the host stops: the participant asks again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _setup.Logger.LogReadFailed(Address.ToString(), failure.Message);
        }
    }

    private sealed class Input
    {
        /// <summary>Has somebody else written?</summary>
        public bool LooksAtLog { get; init; }

        public RecoveryId? Recovery { get; init; }

        public CoordinatorInput? Coordinator { get; init; }

        /// <summary>Makes the input of a new recovery's id, which it may need.</summary>
        public Func<RecoveryId, ExecutionInput>? Execution { get; init; }

        public FailureSignal? Signal { get; init; }

        public bool IsOwnSignal { get; init; }

        public TaskCompletionSource? Done { get; init; }

        public DateTimeOffset At { get; init; }

        public ActivityContext Caller { get; init; }

        public RecoveryError? Refusal { get; set; }
    }

    /// <summary>What a batch of inputs comes to, before it is durable.</summary>
    private sealed class Work(ExecutionState state, SignalWindow signals, CoordinatorState? open, SequenceNumber next)
    {
        public SequenceNumber Next { get; private set; } = next;

        public ExecutionState State { get; set; } = state;

        public SignalWindow Signals { get; set; } = signals;

        /// <summary>Null where no signal is to be judged.</summary>
        public TenantConduct? Conduct { get; set; }

        public CoordinatorState? Open { get; private set; } = open;

        public Dictionary<RecoveryId, CoordinatorState> Touched { get; } = [];

        public List<ReadOnlyMemory<byte>> Records { get; } = [];

        public List<LedgerEntry> Entries { get; } = [];

        public List<ExecutionEffect> ExecutionEffects { get; } = [];

        public List<(RecoveryId Recovery, CoordinatorEffect Effect)> CoordinatorEffects { get; } = [];

        public void Write(ExecutionRecord record, IReadOnlyList<LedgerEntry> entries)
        {
            Records.Add(ExecutionLog.Write(record));
            Entries.AddRange(entries.Select(entry => entry with { Cause = Next }));
            Next = Next.Next;
        }

        public void Take(CoordinatorState after, IReadOnlyList<CoordinatorEffect> effects)
        {
            Touched[after.Recovery] = after;
            if (!after.Phase.IsTerminal())
            {
                Open = after;
            }
            else if (Open?.Recovery == after.Recovery)
            {
                Open = null;
            }

            CoordinatorEffects.AddRange(effects.Select(effect => (after.Recovery, effect)));
        }
    }
}
