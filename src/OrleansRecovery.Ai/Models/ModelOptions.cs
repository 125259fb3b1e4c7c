namespace OrleansRecovery.Ai.Models;

/// <summary>Who is asked, in which order, and how long each may take.</summary>
public sealed record ModelOptions
{
    /// <summary>The providers of each tier, in the order in which they are asked.</summary>
    public required IReadOnlyDictionary<ModelTier, IReadOnlyList<ModelProvider>> Tiers { get; init; }

    /// <summary>How long one provider may take, by class of task, in milliseconds.</summary>
    public IReadOnlyDictionary<string, int> TimeoutsMilliseconds { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>How long one provider may take for a class that has no time of its own, in milliseconds. Range 1 to 3,600,000; default 10,000.</summary>
    public int DefaultTimeoutMilliseconds { get; init; } = 10_000;

    /// <summary>
    /// How long all providers together may take, in milliseconds. Keep it below the policy's <c>action_timeout_milliseconds</c>: beyond that the turn fails. Range 1 to
    /// 3,600,000; default 25,000.
    /// </summary>
    public int TotalTimeoutMilliseconds { get; init; } = 25_000;

    /// <summary>So many failures within a minute, and a provider is not asked for 30 seconds; then one call tries it. Range 1 to 1,000; default 3.</summary>
    public int FailureCountMax { get; init; } = 3;

    /// <summary>How many bytes of text are taken for one token where nobody says. Range 1 to 16; default 3, which is more tokens than most texts have.</summary>
    public int BytesPerToken { get; init; } = 3;
}
