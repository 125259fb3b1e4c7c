using System.Diagnostics;
using System.Reflection;
using OrleansRecovery.Protocol.Errors;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Objectives;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Telemetry;

/// <summary>What the product tells of itself while a recovery runs on the local host.</summary>
[Collection(TelemetryAlone.Name)]
public sealed class TelemetryTests : IDisposable
{
    private readonly TelemetryWatch _watch = new();

    public void Dispose() => _watch.Dispose();

    [Fact]
    public async Task One_trace_spans_signal_prepare_every_compensation_and_outcome_over_all_agents()
    {
        RecoveryId recovery;
        ActivityContext caller;
        await using (var probe = await ProbeHost.StartAsync(new ProbeWorld()))
        {
            await probe.SendAsync("a", "act", "x", "b");
            await probe.SendAsync("bystander", "act", "z");
            await probe.SettledAsync();
            using (var source = new ActivitySource(TelemetryWatch.CallerName))
            using (var monitor = source.StartActivity("monitor")!)
            {
                caller = monitor.Context;
                await probe.FailAsync("a", 1);
            }

            recovery = (await probe.SettledAsync()).Recoveries.Single().Recovery;
        }

        var trace = _watch.Of(RecoveryTelemetry.TraceOf(ProbeHost.Execution, recovery)).ToList();
        Assert.Equal(["a", "b"], AgentsOf(trace, SpanNames.Prepare, "ready"));
        Assert.Equal(["a", "b"], AgentsOf(trace, SpanNames.Compensate));
        Assert.Equal(["a", "b"], AgentsOf(trace, SpanNames.Restore));
        Assert.Superset(new HashSet<string> { "a", "b" }, AgentsOf(trace, SpanNames.Release).ToHashSet());
        Assert.Equal(2, Assert.Single(trace, span => span.OperationName == SpanNames.Decide).GetTagItem(AttributeNames.AgentCount));
        Assert.Equal("completed", Assert.Single(trace, span => span.OperationName == SpanNames.Outcome).GetTagItem(AttributeNames.Outcome));
        var signal = Assert.Single(trace, span => span.OperationName == SpanNames.Signal);
        Assert.Equal(caller, signal.Links.Single().Context);
        Assert.Single(trace.Select(span => span.ParentSpanId).Distinct());
        Assert.Equal(trace.Count, _watch.Spans.Count(span => Equals(span.GetTagItem(AttributeNames.Recovery), recovery.Text)));
    }

    [Fact]
    public async Task The_trace_goes_on_when_the_host_was_restarted_in_the_midst_of_the_recovery()
    {
        var journal = new InMemoryJournal();
        var reached = new TaskCompletionSource();
        var world = new ProbeWorld { OnUndo = (text, undo) => text == "x" ? HoldAsync(undo.CancellationToken) : Task.CompletedTask };
        await using (var probe = await ProbeHost.StartAsync(world, journal: journal))
        {
            await probe.SendAsync("a", "act", "x", "b");
            await probe.SettledAsync();
            await probe.FailAsync("a", 1);
            await reached.Task;
        }

        var before = _watch.Spans.Where(IsOfRecovery).ToList();
        RecoveryId recovery;
        await using (var again = await ProbeHost.ReopenAsync(new ProbeWorld(), journal))
        {
            recovery = (await again.SettledAsync()).Recoveries.Single().Recovery;
        }

        var after = _watch.Spans.Where(IsOfRecovery).Except(before).ToList();
        Assert.Equal([RecoveryTelemetry.TraceOf(ProbeHost.Execution, recovery)], before.Concat(after).Select(span => span.TraceId).Distinct());
        Assert.Single(before.Concat(after).Select(span => span.ParentSpanId).Distinct());
        Assert.Single(before, span => span.OperationName == SpanNames.Signal);
        Assert.Single(before, span => span.OperationName == SpanNames.Decide);
        Assert.Equal(["b"], before.Where(span => Equals(span.GetTagItem(AttributeNames.Result), "compensated")).Select(AgentOf));
        Assert.Single(after, span => span.OperationName == SpanNames.Resume);
        Assert.Equal(["a"], after.Where(span => Equals(span.GetTagItem(AttributeNames.Result), "compensated")).Select(AgentOf));
        Assert.Equal(["a", "b"], AgentsOf(after, SpanNames.Restore));
        Assert.Single(after, span => span.OperationName == SpanNames.Outcome);

        Task HoldAsync(CancellationToken cancellationToken)
        {
            reached.TrySetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }
    }

    [Fact]
    public async Task A_turn_is_a_trace_of_its_own_and_the_signal_of_its_failure_links_to_it()
    {
        ActivityContext? inHandler = null;
        var world = new ProbeWorld
        {
            OnTurn = (turn, times) =>
            {
                inHandler ??= Activity.Current?.Context;
                return (turn, times) == ("a:x", 1) ? throw new InvalidOperationException("once") : Task.CompletedTask;
            },
        };
        RecoveryId recovery;
        using var source = new ActivitySource(TelemetryWatch.CallerName);
        using var starter = source.StartActivity("starter")!;
        await using (var probe = await ProbeHost.StartAsync(world))
        {
            await probe.SendAsync("a", "act", "x");
            recovery = (await probe.SettledAsync()).Recoveries.Single().Recovery;
        }

        var turns = _watch.Spans.Where(span => span.OperationName == SpanNames.Turn).ToList();
        Assert.All(turns, turn => Assert.Equal(default, turn.ParentSpanId));
        Assert.Equal(turns.Count, turns.Select(turn => turn.TraceId).Append(starter.TraceId).Distinct().Count() - 1);
        var failed = Assert.Single(turns, turn => Equals(turn.GetTagItem(AttributeNames.Result), "failed"));
        Assert.Equal(failed.Context, inHandler);
        Assert.Equal(ActivityStatusCode.Error, failed.Status);
        var signal = _watch.Of(RecoveryTelemetry.TraceOf(ProbeHost.Execution, recovery)).Single(span => span.OperationName == SpanNames.Signal);
        Assert.Equal(failed.Context, signal.Links.Single().Context);
        var ended = Assert.Single(turns, turn => Equals(turn.GetTagItem(AttributeNames.Result), "ended"));
        Assert.Equal("act", Assert.Single(_watch.Spans, span => span.OperationName == SpanNames.Action && span.ParentSpanId == ended.SpanId).GetTagItem(AttributeNames.ActionName));
    }

    [Fact]
    public async Task Every_step_of_a_recovery_is_measured_once()
    {
        await using (var probe = await ProbeHost.StartAsync(new ProbeWorld()))
        {
            await probe.SendAsync("a", "act", "x", "b");
            await probe.SendAsync("bystander", "think", "apart");
            await probe.SettledAsync();
            await probe.FailAsync("a", 1, id: "one");
            await probe.SettledAsync();
            await Assert.ThrowsAsync<RecoveryException>(() => probe.FailAsync("a", 1, id: "one"));
        }

        Assert.Equal(1, _watch.Sum("recovery.signals", AttributeNames.Result, "admitted"));
        Assert.Equal(1, _watch.Sum("recovery.signals", AttributeNames.Result, "refused"));
        Assert.Equal("REC", Assert.Single(_watch.Measurements, measured => measured.Tags.GetValueOrDefault(AttributeNames.Result) is "refused").Tags[AttributeNames.Error]!.ToString()![..3]);
        Assert.Equal(1, _watch.Sum("recovery.opened"));
        Assert.Equal(1, _watch.Count("recovery.duration"));
        Assert.Equal(1, _watch.Count("recovery.phase.duration", AttributeNames.Phase, "preparing"));
        Assert.Equal(1, _watch.Count("recovery.phase.duration", AttributeNames.Phase, "compensating"));
        Assert.Equal(2, _watch.Sum("recovery.rollback_set.agents"));
        Assert.Equal(2, _watch.Count("recovery.compensation.duration", AttributeNames.Result, "compensated"));
        Assert.Equal(2, _watch.Sum("recovery.compensation.attempts"));
        Assert.Equal(_watch.Count("recovery.turn.duration", AttributeNames.Result, "ended"), _watch.Sum("recovery.messages.consumed"));
        Assert.Equal(2, _watch.Sum("recovery.intervals.opened", AttributeNames.Cause, "restore"));
        Assert.Equal(4, _watch.Sum("recovery.actions", AttributeNames.ActionClass, "compensatable"));
        Assert.NotEqual(0, _watch.Count("recovery.journal.append.duration", AttributeNames.Stream, "ledger"));
        Assert.Equal(0, _watch.Sum("recovery.ledger.waiting"));
        Assert.Equal(0, _watch.Sum("recovery.agents.loaded"));
        Assert.Equal(0, _watch.Sum("recovery.executions.loaded"));
    }

    [Fact]
    public async Task A_step_that_was_durable_though_its_write_seemed_to_fail_is_told_once()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        RecoveryId recovery;
        await using (var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal))
        {
            await probe.SendAsync("a", "act", "x", "b");
            await probe.SettledAsync();
            journal.FailAfterWriting(StreamKind.Execution);
            await Assert.ThrowsAsync<RecoveryException>(() => probe.FailAsync("a", 1));
            recovery = (await probe.SettledAsync()).Recoveries.Single().Recovery;
        }

        var trace = _watch.Of(RecoveryTelemetry.TraceOf(ProbeHost.Execution, recovery)).ToList();
        Assert.Single(trace, span => span.OperationName == SpanNames.Signal);
        Assert.Single(trace, span => span.OperationName == SpanNames.Outcome);
        Assert.Equal(1, _watch.Sum("recovery.opened"));
        Assert.Single(_watch.Measurements, measured => measured.Name == "recovery.journal.append.duration" && measured.Tags.ContainsKey(AttributeNames.Error));
    }

    [Fact]
    public async Task Of_each_objective_the_tenant_is_measured_that_stands_worst()
    {
        var journal = new InMemoryJournal();
        var slow = new ProbeWorld
        {
            OnUndo = (_, _) =>
            {
                var began = Stopwatch.StartNew();
                SpinWait.SpinUntil(() => began.ElapsedMilliseconds > 5);
                return Task.CompletedTask;
            },
        };
        await using (var probe = await ProbeHost.StartAsync(slow, journal: journal))
        {
            await probe.SendAsync("a", "act", "x", "b");
            await probe.SettledAsync();
            await probe.FailAsync("a", 1);
            await probe.SettledAsync();
        }

        ServiceObjective[] objectives = [new("whole", ObjectiveMeasure.RecoveredWhole, 0.9), new("never", ObjectiveMeasure.RecoveredInTime, 0.9, 1)];
        var later = new LaterTime(TimeSpan.FromMinutes(1));
        var watch = new ObjectiveWatch(new ObjectiveReader(journal, objectives), () => [TenantId.Parse("nobody"), ProbeHost.Execution.Tenant], later, NullLogger.Instance);
        await watch.LookAsync(CancellationToken.None);

        Assert.Equal(1, _watch.Sum("recovery.objective.budget_left", AttributeNames.Objective, "whole"));
        Assert.Equal(0, _watch.Sum("recovery.objective.burn_rate", AttributeNames.Objective, "whole"));
        Assert.Equal(-9, _watch.Sum("recovery.objective.budget_left", AttributeNames.Objective, "never"), 6);
        Assert.Equal(10, Assert.Single(_watch.Measurements, measured => measured.Name == "recovery.objective.burn_rate" && measured.Tags.Values.Contains("never") && measured.Tags.Values.Contains(4_320)).Value, 6);
    }

    [Fact]
    public async Task What_is_told_has_only_names_that_are_documented()
    {
        await using (var probe = await ProbeHost.StartAsync(new ProbeWorld { OnUndo = (_, _) => throw new InvalidOperationException("never") }, new() { CompensationTryCountMax = 2, CompensationBackoffMilliseconds = 1 }))
        {
            await probe.SendAsync("a", "act", "x", "b");
            await probe.SettledAsync();
            await probe.FailAsync("a", 1);
            await probe.SettledAsync();
        }

        Assert.Equal(1, _watch.Sum("recovery.escalations", AttributeNames.WaitsFor, "compensation_failed"));
        var attributes = NamesIn(typeof(AttributeNames));
        Assert.Subset(NamesIn(typeof(SpanNames)), _watch.Spans.Select(span => span.OperationName).ToHashSet());
        Assert.Subset(attributes, _watch.Spans.SelectMany(span => span.TagObjects).Select(tag => tag.Key).ToHashSet());
        var documented = RecoveryMetrics.All.ToDictionary(measure => measure.Instrument.Name, measure => measure.Attributes.ToHashSet());
        Assert.All(_watch.Measurements, measured => Assert.Subset(documented[measured.Name], measured.Tags.Keys.ToHashSet()));
        Assert.All(documented.Values, names => Assert.Subset(attributes, names));
    }

    private sealed class LaterTime(TimeSpan later) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + later;
    }

    private static HashSet<string> NamesIn(Type names) =>
        [.. names.GetFields(BindingFlags.Public | BindingFlags.Static).Select(name => (string)name.GetRawConstantValue()!)];

    private static bool IsOfRecovery(Activity span) => span.GetTagItem(AttributeNames.Recovery) is not null;

    private static string AgentOf(Activity span) => (string)span.GetTagItem(AttributeNames.Agent)!;

    private static IEnumerable<string> AgentsOf(IEnumerable<Activity> trace, string name, string? vote = null) => trace
        .Where(span => span.OperationName == name && (vote is null || Equals(span.GetTagItem(AttributeNames.Vote), vote)))
        .Select(AgentOf).Distinct().Order(StringComparer.Ordinal);
}
