using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Tests.Telemetry;

/// <summary>One measurement.</summary>
public sealed record Measured(string Name, double Value, IReadOnlyDictionary<string, object?> Tags);

/// <summary>Listens to everything that the product tells, as a provider of OpenTelemetry would.</summary>
public sealed class TelemetryWatch : IDisposable
{
    private readonly ActivityListener _spans;
    private readonly MeterListener _meter = new();

    public TelemetryWatch()
    {
        _spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name is RecoveryTelemetry.Name or CallerName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = Spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_spans);
        _meter.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == RecoveryTelemetry.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meter.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _meter.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Take(instrument, value, tags));
        _meter.Start();
    }

    /// <summary>The name of a source that stands for a caller's own.</summary>
    public const string CallerName = "Caller";

    public ConcurrentQueue<Activity> Spans { get; } = new();

    public ConcurrentQueue<Measured> Measurements { get; } = new();

    public IEnumerable<Activity> Of(ActivityTraceId trace) => Spans.Where(span => span.TraceId == trace);

    public double Sum(string name, string? tag = null, object? value = null) => Named(name, tag, value).Sum(measured => measured.Value);

    public int Count(string name, string? tag = null, object? value = null) => Named(name, tag, value).Count();

    public void Dispose()
    {
        _spans.Dispose();
        _meter.Dispose();
    }

    private IEnumerable<Measured> Named(string name, string? tag, object? value) =>
        Measurements.Where(measured => measured.Name == name && (tag is null || Equals(measured.Tags.GetValueOrDefault(tag), value)));

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        Measurements.Enqueue(new Measured(instrument.Name, value, tags.ToArray().ToDictionary()));
}

/// <summary>Alone: what is listened to is the process's, and other tests would be heard too.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class TelemetryAlone
{
    public const string Name = "telemetry";
}
