using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Objectives;

/// <summary>What an objective counts, as good or as bad.</summary>
[JsonConverter(typeof(WireNameConverter<ObjectiveMeasure>))]
public enum ObjectiveMeasure
{
    /// <summary>Recoveries, from the detection of the failure to the outcome: good within the limit.</summary>
    RecoveredInTime,

    /// <summary>Recoveries that ended: good without residue, bad with it, or where they were given up although there was something to undo.</summary>
    RecoveredWhole,

    /// <summary>Times that a recovery waited for an operator: good where he decided within the limit.</summary>
    AnsweredInTime,
}

/// <summary>A service level objective: of what is counted within a window, so large a share is to be good (docs/operations.md).</summary>
/// <param name="Name">What it is called, in reports and metrics. By the rules of names.</param>
/// <param name="Measure">What it counts.</param>
/// <param name="Share">The share that is to be good. Range above 0 and below 1.</param>
/// <param name="LimitMilliseconds">How long it may take, in milliseconds; where time is measured, and there alone. Range 1 to 7,776,000,000 (90 days).</param>
/// <param name="WindowDays">Over how many days, to now. Range 1 to 90; default 30.</param>
public sealed record ServiceObjective(string Name, ObjectiveMeasure Measure, double Share, long? LimitMilliseconds = null, int WindowDays = 30)
{
    /// <summary>The longest window, in days: the time that what is counted is kept for.</summary>
    public const int WindowDaysMax = 90;

    /// <summary>What holds where an operator names none: recoveries within five minutes and without residue, and answers of operators within four hours.</summary>
    public static IReadOnlyList<ServiceObjective> Defaults { get; } =
    [
        new("recovered-in-time", ObjectiveMeasure.RecoveredInTime, 0.99, 5 * 60_000),
        new("recovered-whole", ObjectiveMeasure.RecoveredWhole, 0.95),
        new("answered-in-time", ObjectiveMeasure.AnsweredInTime, 0.95, 4 * 60 * 60_000),
    ];

    /// <summary>The window in milliseconds.</summary>
    [JsonIgnore]
    public long WindowMilliseconds => WindowDays * (long)TimeSpan.MillisecondsPerDay;

    /// <summary>This objective, once its values are known to be in range.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>.</exception>
    public ServiceObjective Validated()
    {
        var isTimed = Measure is not ObjectiveMeasure.RecoveredWhole;
        if (!TermParser.TryParse<IssuerId>(Name, out _, out _))
        {
            throw Bad($"'{Name}' is no name");
        }

        if (Share is not (> 0 and < 1))
        {
            throw Bad("share is not above 0 and below 1");
        }

        if (isTimed != LimitMilliseconds.HasValue)
        {
            throw Bad(isTimed ? "limit_milliseconds is missing" : $"{WireNames.Of(Measure)} has no limit_milliseconds");
        }

        Setting.Check($"The objective {Name}'s", Impact, nameof(LimitMilliseconds), LimitMilliseconds ?? 1, 1, WindowDaysMax * (long)TimeSpan.MillisecondsPerDay);
        Setting.Check($"The objective {Name}'s", Impact, nameof(WindowDays), WindowDays, 1, WindowDaysMax);
        return this;
    }

    internal const string Impact = "Nothing was started, and nothing was judged.";

    private RecoveryException Bad(string what) => RecoveryException.Of(
        RecoveryErrorCode.BadConfiguration, $"The objective {Name}: {what}.", Impact, "Compare it with docs/operations.md.");
}
