namespace OrleansRecovery.Protocol.Signals;

/// <summary>How many signals are admitted: so many a minute, and so many at once.</summary>
/// <param name="PerMinute">How many in a minute, on average.</param>
/// <param name="Burst">How many may come at once.</param>
public readonly record struct QuotaRate(int PerMinute, int Burst)
{
    /// <summary>What a full bucket holds, in the units of <see cref="TokenBucket.Level"/>.</summary>
    public long Full => Burst * TokenBucket.Signal;
}

/// <summary>What is left of a quota (draft, R-ADM-6). Pure: the time is given.</summary>
/// <param name="Level">What is left, in sixty-thousandths of a signal: so a quota per minute refills by whole numbers every millisecond.</param>
/// <param name="At">When that was, in milliseconds since 1970 UTC.</param>
public readonly record struct TokenBucket(long Level, long At)
{
    /// <summary>One signal, in units of <see cref="Level"/>: the milliseconds of a minute.</summary>
    public const long Signal = 60_000;

    /// <summary>A bucket from which nothing was taken.</summary>
    public static TokenBucket Full(QuotaRate rate, long now) => new(rate.Full, now);

    /// <summary>What is left now. A clock that was set back refills nothing, and goes on refilling from where it is.</summary>
    public TokenBucket Refilled(QuotaRate rate, long now)
    {
        var elapsed = Math.Clamp(now - At, 0, rate.Full);
        return new TokenBucket(Math.Min(rate.Full, Level + (elapsed * rate.PerMinute)), now);
    }

    /// <summary>The bucket after something was taken; it does not go below empty.</summary>
    /// <param name="signals">How many signals' worth.</param>
    public TokenBucket Taken(int signals) => this with { Level = Math.Max(0, Level - (signals * Signal)) };

    /// <summary>Is there enough for so many signals?</summary>
    public bool Has(int signals) => Level >= signals * Signal;

    /// <summary>How many milliseconds it takes until there is.</summary>
    public long WaitFor(int signals, QuotaRate rate) => Math.Max(0, ((signals * Signal) - Level + rate.PerMinute - 1) / rate.PerMinute);
}
