namespace OrleansRecovery.Protocol.Tasks;

/// <summary>
/// How long a worker may show no sign of life before it is suspected (failure-mode analysis, scenarios 1.1 and 2.2): learnt from what its silences were, within bounds.
/// </summary>
public sealed record SilenceRule
{
    /// <summary>No silence that is shorter is suspected, however regular the work is, in milliseconds. Range 1 to 86,400,000; default 10,000.</summary>
    public int MinMilliseconds { get; init; } = 10_000;

    /// <summary>The limit before enough is measured, in milliseconds. Range 1 to 86,400,000; default 120,000.</summary>
    public int InitialMilliseconds { get; init; } = 120_000;

    /// <summary>Every silence that is longer is suspected, in milliseconds. Range 1 to 86,400,000; default 600,000.</summary>
    public int MaxMilliseconds { get; init; } = 600_000;

    /// <summary>In how many attempts of a million a worker that is well may be suspected: the less, the longer it may be silent. Range 1 to 500,000; default 100.</summary>
    public int FalsePerMillion { get; init; } = 100;
}
