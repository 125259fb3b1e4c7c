using System.Diagnostics;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What is told of recoveries, when it is durable: the difference between what was durable before and what is now.</content>
public sealed partial class ExecutionDriver
{
    private long _phaseSince = Stopwatch.GetTimestamp();

    private void Report(List<Input> batch, Work work, DateTimeOffset began)
    {
        foreach (var input in batch)
        {
            if (input.Signal is { } signal)
            {
                RecoveryMetrics.Signalled(signal.Reason, input.Refusal?.Id);
            }
        }

        Report(batch, work.Touched.Values, began);
    }

    private void Report(List<Input> batch, IEnumerable<CoordinatorState> touched, DateTimeOffset began)
    {
        foreach (var after in touched)
        {
            using var scope = _setup.Logger.BeginRecovery(Address, after.Recovery);
            var before = Find(after.Recovery);
            ReportSignals(batch, before, after, began);
            ReportSteps(before, after, began);
            if (before?.Phase != after.Phase)
            {
                ReportPhase(before, after);
            }
        }
    }

    private void ReportSignals(List<Input> batch, CoordinatorState? before, CoordinatorState after, DateTimeOffset began)
    {
        foreach (var signal in after.Signals.Skip(before?.Signals.Count ?? 0))
        {
            // A signal that had to wait for an earlier recovery's end is in no input of this batch: the recovery answers it from now on.
            var input = batch.Find(item => item.Signal?.Signal == signal.Signal);
            using var span = RecoverySpans.Start(SpanNames.Signal, Address, after.Recovery, input?.At ?? began, input?.Caller ?? default)
                ?.SetTag(AttributeNames.Signal, signal.Signal.Text)
                .SetTag(AttributeNames.Reason, WireNames.Of(signal.Reason))
                .SetTag(AttributeNames.Agent, signal.Suspect.Agent.Text)
                .SetTag(AttributeNames.Interval, signal.Suspect.Number.Number)
                .SetTag(AttributeNames.Incarnation, signal.Incarnation.Number);
            _setup.Logger.Signalled(after.Recovery.Text, signal.Suspect.ToString(), signal.Issuer.Text, WireNames.Of(signal.Reason));
        }
    }

    private void ReportSteps(CoordinatorState? before, CoordinatorState after, DateTimeOffset began)
    {
        if (before is null)
        {
            RecoveryMetrics.RecoveriesOpened.Add(1);
        }
        else if (after.Epoch > before.Epoch)
        {
            using var span = RecoverySpans.Start(SpanNames.Resume, Address, after.Recovery, began, default)?.SetTag(AttributeNames.Epoch, after.Epoch.Number);
            _setup.Logger.Resumed(after.Recovery.Text, after.Epoch.Number);
        }

        if (after.IsDecided && before?.IsDecided != true)
        {
            var agents = after.Falling.Count();
            var intervals = after.Falling.Sum(member => member.Value.Vote!.Trace.Intervals.Count);
            RecoveryMetrics.FallenAgents.Record(agents);
            RecoveryMetrics.FallenIntervals.Record(intervals);
            using var span = RecoverySpans.Start(SpanNames.Decide, Address, after.Recovery, began, default)?.SetTag(AttributeNames.AgentCount, agents);
            _setup.Logger.Decided(after.Recovery.Text, agents, intervals);
        }

        if (after.Escalation is { } escalation && before?.Escalation is null)
        {
            RecoveryMetrics.Escalations.Add(1, RecoveryMetrics.Tag(AttributeNames.WaitsFor, escalation.Reason));
            _setup.Logger.Escalated(after.Recovery.Text, WireNames.Of(escalation.Reason));
        }

        if (after.Phase.IsTerminal() && before?.Phase.IsTerminal() != true)
        {
            ReportOutcome(after, began);
        }
    }

    private void ReportOutcome(CoordinatorState after, DateTimeOffset began)
    {
        var detected = after.Signals[0].DetectedAt;
        var outcome = WireNames.Of(after.Phase);
        RecoveryMetrics.RecoveryDuration.Record(Math.Max(0, Now() - detected) / 1_000d, new KeyValuePair<string, object?>(AttributeNames.Outcome, outcome));
        foreach (var residue in after.Residue)
        {
            RecoveryMetrics.Residue.Add(1, RecoveryMetrics.Tag(AttributeNames.ResidueReason, residue.Reason));
        }

        if (after.AbortReason == AbortReason.Operator)
        {
            RecoveryMetrics.FalseSignals.Add(after.Signals.Count);
        }

        using var span = RecoverySpans.Start(SpanNames.Outcome, Address, after.Recovery, began, default)
            ?.SetTag(AttributeNames.Outcome, outcome)
            .SetTag(AttributeNames.ResidueCount, after.Residue.Count);
        _setup.Logger.Ended(after.Recovery.Text, outcome, after.Residue.Count);
    }

    private void ReportPhase(CoordinatorState? before, CoordinatorState after)
    {
        if (before is not null)
        {
            RecoveryMetrics.PhaseDuration.Record(Stopwatch.GetElapsedTime(_phaseSince).TotalSeconds, RecoveryMetrics.Tag(AttributeNames.Phase, before.Phase));
        }

        _phaseSince = Stopwatch.GetTimestamp();
    }
}
