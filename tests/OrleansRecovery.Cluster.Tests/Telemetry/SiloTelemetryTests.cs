using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Telemetry;
using OrleansRecovery.TestProcess;

namespace OrleansRecovery.Cluster.Tests.Telemetry;

/// <summary>A silo as a process, killed in the midst of a recovery, and what a collector of OpenTelemetry, a reader of its output and a probe learn of it.</summary>
public sealed class SiloTelemetryTests : IDisposable
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("press"), ExecutionId.Parse("monday"));
    private static readonly AgentId Writer = AgentId.Parse("writer");
    private static readonly AgentId Reader = AgentId.Parse("reader");

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-telemetry-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task One_trace_of_a_recovery_reaches_the_collector_over_a_kill_of_the_silo_and_so_do_metrics_logs_and_health()
    {
        await using var sink = await OtlpSink.StartAsync();
        string trace;
        using (var first = new TelemetrySilo(_folder, sink))
        {
            Assert.Equal((HttpStatusCode.OK, "Healthy"), await first.HealthAsync("/health/live"));
            Assert.Equal(HttpStatusCode.OK, (await first.HealthAsync("/health/ready")).Status);
            trace = RecoveryTelemetry.TraceOf(Execution, await SignalAsync(first)).ToHexString();
            await sink.UntilAsync(() => Of(sink, trace, SpanNames.Decide).Any() && Compensated(sink, trace).Any(), () => first.LastWords);
            first.Kill();
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "gate"), string.Empty);
        using var second = new TelemetrySilo(_folder, sink);
        await sink.UntilAsync(
            () => Of(sink, trace, SpanNames.Outcome).Any() && Of(sink, trace, SpanNames.Release).Count() >= 2
                && sink.Metrics.Any(metric => metric.Name == "recovery.duration") && EndedIn(sink) is not null && EndedIn(second) is not null,
            () => second.LastWords);

        AssertTrace(sink, trace);
        AssertMetrics(sink);
        Assert.Equal(trace, EndedIn(sink)!.Trace);
        Assert.Equal(trace, EndedIn(sink)!.Attributes[AttributeNames.Trace]);
        AssertLine(EndedIn(second)!.Value, trace);
        await AssertHealthAsync(second);
    }

    private static async Task<RecoveryId> SignalAsync(TelemetrySilo silo)
    {
        using var host = Host.CreateDefaultBuilder()
            .ConfigureLogging(logging => logging.ClearProviders())
            .UseOrleansClient(client => client
                .UseLocalhostClustering(silo.GatewayPort, "recovery", "recovery")
                .UseConnectionRetryFilter(RetryAsync)
                .AddAgentRecovery())
            .Build();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await host.StartAsync(patience.Token);
        var client = host.Services.GetRequiredService<IRecoveryClient>();
        await client.StartAsync(new ExecutionStart(
            Execution,
            [new AgentAssignment(Writer, new AgentClass(nameof(WriterAgent))), new AgentAssignment(Reader, new AgentClass(nameof(ReaderAgent)))],
            RecoveryPolicy.Default));
        await client.SendAsync(Execution, Writer, new Wanted("headline"));
        await client.SettledAsync(Execution);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var receipt = await client.SignalAsync(new FailureSignal(
            SignalId.Parse("s-1"), IssuerId.Parse("editor"), Execution.Tenant, Execution.Execution, new Interval(Writer, CheckpointNumber.Of(1)),
            Incarnation.First, FailureReason.InvalidOutput, now, now + 60_000));
        await host.StopAsync();
        return receipt.Recovery!.Value;
    }

    private static async Task<bool> RetryAsync(Exception failure, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
        return true;
    }

    private static void AssertTrace(OtlpSink sink, string trace)
    {
        string[] both = [Reader.Text, Writer.Text];
        Assert.Single(Of(sink, trace, SpanNames.Signal));
        Assert.Equal(both, AgentsOf(Of(sink, trace, SpanNames.Prepare).Where(span => span.Attributes[AttributeNames.Vote] == "ready")));
        Assert.Equal("2", Assert.Single(Of(sink, trace, SpanNames.Decide)).Attributes[AttributeNames.AgentCount]);
        Assert.Equal(both, AgentsOf(Compensated(sink, trace)));
        Assert.Equal(both, AgentsOf(Of(sink, trace, SpanNames.Restore)));
        Assert.Equal(both, AgentsOf(Of(sink, trace, SpanNames.Release)));
        Assert.Equal("completed", Assert.Single(Of(sink, trace, SpanNames.Outcome)).Attributes[AttributeNames.Outcome]);
        Assert.NotEqual(Of(sink, trace, SpanNames.Signal).Single().Process, Of(sink, trace, SpanNames.Outcome).Single().Process);
        Assert.Equal(Of(sink, trace, SpanNames.Resume).Single().Process, Of(sink, trace, SpanNames.Outcome).Single().Process);
        Assert.All(sink.Spans, span => Assert.Equal(span.Trace == trace, span.Attributes.ContainsKey(AttributeNames.Recovery)));
    }

    private static void AssertMetrics(OtlpSink sink)
    {
        var known = RecoveryMetrics.All.ToDictionary(measure => measure.Instrument.Name, measure => measure.Instrument.Unit ?? string.Empty);
        var own = sink.Metrics.Where(metric => metric.Meter == RecoveryTelemetry.Name).Distinct().ToList();
        Assert.All(own, metric => Assert.Equal(known[metric.Name], metric.Unit));
        Assert.Superset(
            new HashSet<string> { "recovery.signals", "recovery.opened", "recovery.turn.duration", "recovery.journal.append.duration", "recovery.rollback_set.agents" },
            own.Select(metric => metric.Name).ToHashSet());
        Assert.Contains(sink.Metrics, metric => metric.Meter == "Microsoft.Orleans");
    }

    private static void AssertLine(JsonElement line, string trace)
    {
        var scope = line.GetProperty("Scopes").EnumerateArray().Single(item => item.TryGetProperty(AttributeNames.Recovery, out _));
        Assert.Equal("press", scope.GetProperty(AttributeNames.Tenant).GetString());
        Assert.Equal("monday", scope.GetProperty(AttributeNames.Execution).GetString());
        Assert.Equal(trace, scope.GetProperty(AttributeNames.Trace).GetString());
        Assert.Equal("completed", line.GetProperty("State").GetProperty("Outcome").GetString());
    }

    private static async Task AssertHealthAsync(TelemetrySilo silo)
    {
        var (status, body) = await silo.HealthAsync("/health");
        Assert.Equal(HttpStatusCode.OK, status);
        using var report = JsonDocument.Parse(body);
        Assert.Equal("Healthy", report.RootElement.GetProperty("status").GetString());
        var ledger = report.RootElement.GetProperty("checks").GetProperty("recovery-ledger");
        Assert.True(ledger.GetProperty("data").GetProperty("press").GetInt64() > 5, body);
    }

    private static IEnumerable<ExportedSpan> Of(OtlpSink sink, string trace, string name) => sink.Spans.Where(span => span.Trace == trace && span.Name == name);

    private static IEnumerable<ExportedSpan> Compensated(OtlpSink sink, string trace) =>
        Of(sink, trace, SpanNames.Compensate).Where(span => span.Attributes.GetValueOrDefault(AttributeNames.Result) == "compensated");

    private static IEnumerable<string> AgentsOf(IEnumerable<ExportedSpan> spans) =>
        spans.Select(span => span.Attributes[AttributeNames.Agent]).Distinct().Order(StringComparer.Ordinal);

    private static ExportedLog? EndedIn(OtlpSink sink) => sink.Logs.FirstOrDefault(line => line.Body.Contains(" ended as ", StringComparison.Ordinal));

    private static JsonElement? EndedIn(TelemetrySilo silo) =>
        silo.Said.FirstOrDefault(line => line.StartsWith('{') && line.Contains(" ended as ", StringComparison.Ordinal)) is { } line
            ? JsonDocument.Parse(line).RootElement : null;
}
