using System.Collections.Immutable;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>
/// The longest silences of a worker's last attempts at tasks of one type, and the limit that follows from them: a quantile of what was measured, and beyond what so
/// few can tell a tail that falls off as fast as theirs does. Pure: the same silences give the same limit, in whatever order they came.
/// </summary>
public sealed class SilenceWindow
{
    /// <summary>So many attempts are remembered: after as many of a new kind the old ones count no more.</summary>
    public const int SizeMax = 128;

    /// <summary>So many must have been measured before they say more than policy does.</summary>
    public const int SizeMin = 5;

    private const long SilenceMax = 30L * 24 * 3600 * 1000;

    // No work is taken to be more regular than this part of its own length.
    private const double SpreadMin = 0.1;

    private readonly ImmutableList<(SequenceNumber Position, long Milliseconds)> _silences;

    private SilenceWindow(ImmutableList<(SequenceNumber Position, long Milliseconds)> silences) => _silences = silences;

    /// <summary>Nothing was measured yet.</summary>
    public static SilenceWindow Empty { get; } = new([]);

    /// <summary>How many attempts it remembers.</summary>
    public int Count => _silences.Count;

    /// <summary>An attempt ended.</summary>
    /// <param name="position">Where that stands in the worker's journal.</param>
    /// <param name="milliseconds">Its longest silence.</param>
    /// <param name="isCutOff">The silence was ended by the limit: it would have lasted longer, nobody knows how long, and counts twice.</param>
    public SilenceWindow With(SequenceNumber position, long milliseconds, bool isCutOff)
    {
        var known = Math.Clamp(milliseconds, 0, SilenceMax);
        var silences = _silences.Add((position, isCutOff ? Math.Min(2 * known, SilenceMax) : known));
        return new SilenceWindow(silences.Count > SizeMax ? silences.RemoveAt(0) : silences);
    }

    /// <summary>The records before a position are collected.</summary>
    internal SilenceWindow From(SequenceNumber from) => new(_silences.RemoveAll(silence => silence.Position < from));

    /// <summary>How long the next attempt may be silent, in milliseconds: never outside of the rule's bounds.</summary>
    public long LimitBy(SilenceRule rule)
    {
        var silences = _silences.Select(silence => silence.Milliseconds).Order().ToList();
        var limit = silences.Count < SizeMin
            ? Math.Max(rule.InitialMilliseconds, silences.LastOrDefault())
            : (long)Math.Ceiling(Math.Min(Quantile(silences, rule.FalsePerMillion / 1e6), SilenceMax));
        return Math.Clamp(limit, rule.MinMilliseconds, rule.MaxMilliseconds);
    }

    // What all but this part of the silences stay below. Of n measured ones the next is longer than all with a chance of one in n + 1: what is rarer lies in the tail.
    private static double Quantile(List<long> sorted, double exceeding)
    {
        var rank = (1 - exceeding) * (sorted.Count + 1);
        if (rank < sorted.Count)
        {
            var below = Math.Max(1, (int)rank);
            return sorted[below - 1] + (Math.Max(0, rank - below) * (sorted[below] - sorted[below - 1]));
        }

        return sorted[^1] + (Spread(sorted) * Math.Log(Math.Max(1, 1 / (exceeding * (sorted.Count + 1)))));
    }

    // By how much the longer half exceeds the middle on the average.
    private static double Spread(List<long> sorted)
    {
        var middle = sorted[sorted.Count / 2];
        return Math.Max(sorted.Skip(sorted.Count / 2).Average(silence => (double)(silence - middle)), middle * SpreadMin);
    }
}
