using System.Text.Json;

namespace OrleansRecovery.Fuzz;

/// <summary>An input that broke a promise.</summary>
/// <param name="Target">What it was given to.</param>
/// <param name="Input">The input.</param>
/// <param name="What">What happened.</param>
internal sealed record Finding(string Target, byte[] Input, string What)
{
    /// <summary>The line that keeps it in the corpus.</summary>
    public string AsLine() => JsonSerializer.Serialize(new { target = Target, input = Convert.ToBase64String(Input), what = What });
}

/// <summary>What was promised does not hold.</summary>
internal sealed class BrokenPromiseException(string message) : Exception(message);

/// <summary>What an input came to.</summary>
/// <param name="IsAccepted">It was taken; then it was also written and read again, and was the same.</param>
/// <param name="Kind">What was said of it, without what differs from input to input.</param>
internal sealed record Verdict(bool IsAccepted, string Kind);

/// <summary>Something that takes input from outside.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Seeds">Good inputs to begin with.</param>
/// <param name="Check">Takes an input; throws where a promise is broken.</param>
internal sealed record Target(string Name, IReadOnlyList<byte[]> Seeds, Func<byte[], Task<Verdict>> Check);
