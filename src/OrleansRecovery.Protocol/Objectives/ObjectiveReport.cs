using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Objectives;

/// <summary>How soon somebody is to look at an objective.</summary>
[JsonConverter(typeof(WireNameConverter<ObjectiveUrgency>))]
public enum ObjectiveUrgency
{
    /// <summary>It is kept, as things stand.</summary>
    None,

    /// <summary>Within days: the error budget goes faster than it comes.</summary>
    Ticket,

    /// <summary>Now.</summary>
    Page,
}

/// <summary>What became of something that an objective counts.</summary>
/// <param name="At">When it was known: when it ended in time, or when its time was over. In milliseconds since 1970 UTC.</param>
/// <param name="IsGood">As the objective wants it.</param>
/// <param name="Execution">Whose.</param>
/// <param name="Recovery">Which recovery.</param>
public sealed record ObjectiveEvent(long At, bool IsGood, ExecutionId Execution, RecoveryId Recovery);

/// <summary>
/// How fast the error budget goes: 1 uses it up in exactly the window. Judged over a long window, so that one event does not decide, and over a twelfth of it, so that it is
/// over when the trouble is (Google, The Site Reliability Workbook, chapter 5).
/// </summary>
/// <param name="Urgency">What it means when both are at the threshold.</param>
/// <param name="LongMinutes">The long window.</param>
/// <param name="Long">The rate over it; 0 where nothing was counted.</param>
/// <param name="ShortMinutes">The short window.</param>
/// <param name="Short">The rate over it.</param>
/// <param name="Threshold">From which rate on.</param>
public sealed record BurnRate(ObjectiveUrgency Urgency, int LongMinutes, double Long, int ShortMinutes, double Short, double Threshold)
{
    /// <summary>Is the budget going that fast, and still?</summary>
    public bool IsBurning => Long >= Threshold && Short >= Threshold;
}

/// <summary>How an objective stands at a moment.</summary>
/// <param name="Objective">The objective.</param>
/// <param name="At">The moment, in milliseconds since 1970 UTC.</param>
/// <param name="Good">How many in its window were good.</param>
/// <param name="Bad">How many were bad.</param>
/// <param name="BurnRates">Most urgent first.</param>
/// <param name="Latest">The latest bad ones, latest first, at most <see cref="LatestCountMax"/>.</param>
/// <param name="BadInARow">How many of the latest were bad, without a good one after them.</param>
public sealed record ObjectiveReport(
    ServiceObjective Objective, long At, int Good, int Bad, IReadOnlyList<BurnRate> BurnRates, IReadOnlyList<ObjectiveEvent> Latest, int BadInARow)
{
    /// <summary>How many bad ones a report names.</summary>
    public const int LatestCountMax = 10;

    // Share of the budget, over so many minutes: 2 % in an hour or 5 % in six are worth a page, 10 % in three days a ticket (the same chapter).
    private static readonly (ObjectiveUrgency Urgency, int Minutes, double Budget)[] Rules =
        [(ObjectiveUrgency.Page, 60, 0.02), (ObjectiveUrgency.Page, 360, 0.05), (ObjectiveUrgency.Ticket, 4_320, 0.10)];

    private const int ShortShare = 12;

    /// <summary>The share that was good; null where nothing was counted.</summary>
    public double? Share => Good + Bad == 0 ? null : (double)Good / (Good + Bad);

    /// <summary>What is left of the error budget, as a share of it: 1 where nothing was bad, below 0 where the objective is missed.</summary>
    public double BudgetLeft => Good + Bad == 0 ? 1 : 1 - (Bad / ((1 - Objective.Share) * (Good + Bad)));

    /// <summary>Is the objective missed in its window?</summary>
    public bool IsMissed => Share < Objective.Share;

    /// <summary>The most urgent of what is burning.</summary>
    public ObjectiveUrgency Urgency => BurnRates.Where(rate => rate.IsBurning).Select(rate => rate.Urgency).DefaultIfEmpty().Max();

    /// <summary>Judges the recoveries of a tenant at a moment.</summary>
    public static ObjectiveReport Of(ServiceObjective objective, RecoveryTimes times, long now)
    {
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(times);
        var events = times.Recoveries.Values.SelectMany(recovery => Events(objective, recovery, now)).Where(counted => counted.At <= now)
            .OrderByDescending(counted => counted.At).ThenBy(counted => counted.Recovery).ToList();
        var counted = events.TakeWhile(counted => counted.At > now - objective.WindowMilliseconds).ToList();
        var bad = counted.Where(one => !one.IsGood).ToList();
        return new ObjectiveReport(
            objective, now, counted.Count - bad.Count, bad.Count, [.. Rules.Select(rule => Burn(objective, rule, events, now))],
            [.. bad.Take(LatestCountMax)], counted.TakeWhile(one => !one.IsGood).Count());
    }

    private static BurnRate Burn(ServiceObjective objective, (ObjectiveUrgency Urgency, int Minutes, double Budget) rule, List<ObjectiveEvent> events, long now)
    {
        var threshold = Math.Max(1, rule.Budget * (objective.WindowDays * 24 * 60) / rule.Minutes);
        return new BurnRate(
            rule.Urgency, rule.Minutes, Rate(objective, events, now, rule.Minutes), rule.Minutes / ShortShare, Rate(objective, events, now, rule.Minutes / ShortShare), threshold);
    }

    private static double Rate(ServiceObjective objective, List<ObjectiveEvent> events, long now, int minutes)
    {
        var within = events.TakeWhile(counted => counted.At > now - (minutes * (long)TimeSpan.MillisecondsPerMinute)).ToList();
        return within.Count == 0 ? 0 : within.Count(counted => !counted.IsGood) / (double)within.Count / (1 - objective.Share);
    }

    private static IEnumerable<ObjectiveEvent> Events(ServiceObjective objective, RecoveryTime recovery, long now)
    {
        switch (objective.Measure)
        {
            case ObjectiveMeasure.RecoveredInTime:
                return Timed(recovery, recovery.DetectedAt, recovery.EndedAt, objective.LimitMilliseconds!.Value, now);
            case ObjectiveMeasure.AnsweredInTime:
                return recovery.Waits.SelectMany(wait => Timed(recovery, wait.Since, wait.Until, objective.LimitMilliseconds!.Value, now));
            case ObjectiveMeasure.RecoveredWhole:
                // One that an operator gave up was a false signal, and one with nothing to undo none at all: neither says how well recoveries go.
                return recovery.EndedAt is { } ended && recovery.AbortReason is not (AbortReason.Operator or AbortReason.NothingToUndo)
                    ? [new ObjectiveEvent(ended, recovery.Result == WireNames.Of(RecoveryResult.Completed), recovery.Execution, recovery.Recovery)]
                    : [];
        }

        return [];
    }

    // What is late is bad from when its time was over, whether or not it has ended: so a report says of a moment the same at any later one.
    private static IEnumerable<ObjectiveEvent> Timed(RecoveryTime recovery, long began, long? ended, long limit, long now) =>
        ended is { } end && end - began <= limit ? [new ObjectiveEvent(end, true, recovery.Execution, recovery.Recovery)]
        : (ended ?? now) - began > limit ? [new ObjectiveEvent(began + limit, false, recovery.Execution, recovery.Recovery)]
        : [];
}
