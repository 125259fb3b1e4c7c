using System.Diagnostics;
using System.Diagnostics.Metrics;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Telemetry;

/// <summary>An instrument, and the attributes of its measurements.</summary>
/// <param name="Instrument">Its name, its unit (UCUM) and what it measures.</param>
/// <param name="Attributes">From <see cref="AttributeNames"/>.</param>
public sealed record Measure(Instrument Instrument, IReadOnlyList<string> Attributes);

/// <summary>What refuses somebody at the door of a server.</summary>
public enum AccessRefusal
{
    /// <summary>No rule allows it.</summary>
    Rule,

    /// <summary>The certificate is of no authority that counts, or is shut out.</summary>
    Certificate,

    /// <summary>A page of another site made a browser send it.</summary>
    Site,
}

/// <summary>All instruments. No measurement names a tenant, an execution or an agent: how many series there are does not grow with them.</summary>
public static class RecoveryMetrics
{
    private static readonly InstrumentAdvice<double> Short = new() { HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] };
    private static readonly InstrumentAdvice<double> Long = new() { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600] };
    private static readonly InstrumentAdvice<long> Sizes = new() { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] };
    private static readonly List<Measure> Known = [];

    internal static readonly Histogram<double> TurnDuration = Seconds(
        "recovery.turn.duration", Long, "Turns: how long handlers ran.", AttributeNames.Result);

    internal static readonly Counter<long> MessagesConsumed = Count("recovery.messages.consumed", "{message}", "Messages that agents consumed.");

    internal static readonly Counter<long> IntervalsOpened = Count(
        "recovery.intervals.opened", "{interval}", "Intervals, and so checkpoints, that agents opened.", AttributeNames.Cause);

    internal static readonly Counter<long> Actions = Count(
        "recovery.actions", "{action}", "Actions whose outcome is known.", AttributeNames.ActionClass, AttributeNames.Result);

    internal static readonly Counter<long> Signals = Count(
        "recovery.signals", "{signal}", "Failure signals, admitted and refused.", AttributeNames.Reason, AttributeNames.Result, AttributeNames.Error);

    internal static readonly Counter<long> AccessRefusals = Count(
        "recovery.access.refused", "{request}", "Requests over HTTP that were refused before anything was looked up, and connections.", AttributeNames.RefusedBy, AttributeNames.Right);

    internal static readonly Gauge<double> BurnRate = Level(
        "recovery.objective.burn_rate", "How fast an objective's error budget goes, over so many minutes: 1 uses it up in exactly its window. Of the tenant where it goes fastest.",
        AttributeNames.Objective, AttributeNames.Window);

    internal static readonly Gauge<double> BudgetLeft = Level(
        "recovery.objective.budget_left", "What is left of an objective's error budget, as a share of it; below 0 the objective is missed. Of the tenant that has least.",
        AttributeNames.Objective);

    internal static readonly Counter<long> FalseSignals = Count("recovery.signals.false", "{signal}", "Signals of recoveries that an operator rejected.");

    internal static readonly Counter<long> IssuersSuspended = Count(
        "recovery.issuers.suspended", "{event}", "An issuer was suspended because of false signals, as this process read it in the ledger.");

    internal static readonly Counter<long> CapabilitiesAllowed = Count(
        "recovery.capabilities.allowed", "{event}", "A capability was activated by this process.");

    internal static readonly Counter<long> CapabilitiesWithdrawn = Count(
        "recovery.capabilities.withdrawn", "{event}", "A capability that was active was revoked by this process, or got other evidence.");

    internal static readonly Counter<long> RecoveriesOpened = Count("recovery.opened", "{recovery}", "Recoveries that were opened.");

    internal static readonly Histogram<double> RecoveryDuration = Seconds(
        "recovery.duration", Long, "Recoveries that ended: the time from the detection that the first signal tells of to the durable outcome.", AttributeNames.Outcome);

    internal static readonly Histogram<double> PhaseDuration = Seconds(
        "recovery.phase.duration", Long, "How long recoveries were in a phase; after a crash, since the coordinator was loaded.", AttributeNames.Phase);

    internal static readonly Counter<long> Escalations = Count(
        "recovery.escalations", "{recovery}", "Recoveries that had to wait for an operator.", AttributeNames.WaitsFor);

    internal static readonly Histogram<long> FallenAgents = Size(
        "recovery.rollback_set.agents", "{agent}", "Agents in the rollback set of a decided recovery.");

    internal static readonly Histogram<long> FallenIntervals = Size(
        "recovery.rollback_set.intervals", "{interval}", "Intervals in the rollback set of a decided recovery.");

    internal static readonly Histogram<double> CompensationDuration = Seconds(
        "recovery.compensation.duration", Long, "Compensations: how long they took with all their attempts.", AttributeNames.Result);

    internal static readonly Counter<long> CompensationAttempts = Count("recovery.compensation.attempts", "{attempt}", "Attempts of compensations.");

    internal static readonly Counter<long> Residue = Count(
        "recovery.residue", "{action}", "What recoveries could not undo.", AttributeNames.ResidueReason);

    internal static readonly Histogram<double> AppendDuration = Seconds(
        "recovery.journal.append.duration", Short, "Appends to the journal, until they are durable or fail.", AttributeNames.Stream, AttributeNames.Error);

    internal static readonly UpDownCounter<long> LedgerWaiting = Balance(
        "recovery.ledger.waiting", "{entry}", "Entries that executions wait for to be durable in the ledger.");

    internal static readonly Counter<long> LedgerRetries = Count("recovery.ledger.retries", "{retry}", "Writes of the ledger that failed and are made again.");

    internal static readonly Counter<long> HeadsUnpublished = Count(
        "recovery.ledger.heads.unpublished", "{head}", "Signed heads that could not be published outside; the next one covers them.");

    internal static readonly Counter<long> AgentsStuck = Count(
        "recovery.agents.stuck", "{event}", "An agent could not go on, and tries again by itself.", AttributeNames.Error);

    internal static readonly UpDownCounter<long> AgentsLoaded = Balance("recovery.agents.loaded", "{agent}", "Agents in memory.");

    internal static readonly UpDownCounter<long> ExecutionsLoaded = Balance("recovery.executions.loaded", "{execution}", "Executions in memory.");

    /// <summary>All of them, in the order of their names.</summary>
    public static IReadOnlyList<Measure> All => [.. Known.OrderBy(measure => measure.Instrument.Name, StringComparer.Ordinal)];

    /// <summary>A write of the ledger failed, and is made again.</summary>
    public static void LedgerRetried() => LedgerRetries.Add(1);

    /// <summary>A request was refused, or a connection.</summary>
    /// <param name="by">What refused it.</param>
    /// <param name="right">The right that it lacked; null where none was asked for yet.</param>
    public static void AccessRefused(AccessRefusal by, string? right = null)
    {
        var tags = new TagList { Tag(AttributeNames.RefusedBy, by) };
        if (right is not null)
        {
            tags.Add(AttributeNames.Right, right);
        }

        AccessRefusals.Add(1, tags);
    }

    /// <summary>Appends, and measures how long it took. Calls are passed on in the order in which they are made.</summary>
    public static Task AppendMeasuredAsync(this IJournal journal, StreamAppend append, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(append);
        return MeasuredAsync(() => journal.AppendAsync(append, cancellationToken), append.Stream.Kind);
    }

    /// <summary>Appends to several streams at once; otherwise as above.</summary>
    internal static Task AppendMeasuredAsync(this IJournalDatabase journal, JournalBatch batch) =>
        MeasuredAsync(() => journal.AppendAsync(batch), batch.Appends[^1].Stream.Kind);

    internal static KeyValuePair<string, object?> Tag<T>(string name, T value)
        where T : struct, Enum =>
        new(name, WireNames.Of(value));

    internal static void Signalled(FailureReason reason, string? refusal)
    {
        var tags = new TagList { Tag(AttributeNames.Reason, reason), new(AttributeNames.Result, refusal is null ? "admitted" : "refused") };
        if (refusal is not null)
        {
            tags.Add(AttributeNames.Error, refusal);
        }

        Signals.Add(1, tags);
    }

    private static Task MeasuredAsync(Func<Task> append, StreamKind stream)
    {
        return AppendDuration.Enabled ? TimedAsync() : append();

        async Task TimedAsync()
        {
            var began = Stopwatch.GetTimestamp();
            var tags = new TagList { Tag(AttributeNames.Stream, stream) };
            try
            {
                await append();
            }
            catch (Exception failure)
            {
                tags.Add(AttributeNames.Error, RecoverySpans.ErrorOf(failure));
                throw;
            }
            finally
            {
                AppendDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, tags);
            }
        }
    }

    /// <summary>Does anybody listen to what is measured of objectives?</summary>
    internal static bool AreObjectivesMeasured => BurnRate.Enabled || BudgetLeft.Enabled;

    /// <summary>How tenants stand by an objective: of each window the one that burns fastest, and the one that has least left.</summary>
    internal static void Judged(string objective, IReadOnlyList<ObjectiveReport> reports)
    {
        foreach (var window in reports.SelectMany(report => report.BurnRates).SelectMany(rate => new[] { (Minutes: rate.LongMinutes, Rate: rate.Long), (Minutes: rate.ShortMinutes, Rate: rate.Short) }).GroupBy(rate => rate.Minutes))
        {
            BurnRate.Record(window.Max(rate => rate.Rate), new(AttributeNames.Objective, objective), new(AttributeNames.Window, window.Key));
        }

        BudgetLeft.Record(reports.Min(report => report.BudgetLeft), new KeyValuePair<string, object?>(AttributeNames.Objective, objective));
    }

    private static Gauge<double> Level(string name, string what, params string[] attributes) =>
        Note(RecoveryTelemetry.Meter.CreateGauge<double>(name, "1", what), attributes);

    private static Counter<long> Count(string name, string unit, string what, params string[] attributes) =>
        Note(RecoveryTelemetry.Meter.CreateCounter<long>(name, unit, what), attributes);

    private static UpDownCounter<long> Balance(string name, string unit, string what) =>
        Note(RecoveryTelemetry.Meter.CreateUpDownCounter<long>(name, unit, what), []);

    private static Histogram<double> Seconds(string name, InstrumentAdvice<double> advice, string what, params string[] attributes) =>
        Note(RecoveryTelemetry.Meter.CreateHistogram(name, "s", what, null, advice), attributes);

    private static Histogram<long> Size(string name, string unit, string what) =>
        Note(RecoveryTelemetry.Meter.CreateHistogram(name, unit, what, null, Sizes), []);

    private static T Note<T>(T instrument, string[] attributes)
        where T : Instrument
    {
        Known.Add(new Measure(instrument, attributes));
        return instrument;
    }
}
