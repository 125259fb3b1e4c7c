using System.Globalization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// Ids of recoveries: <c>r-</c> and a UUIDv7. Their ordinal order is their age (<see cref="RecoveryId"/>), so each is higher than all before it in its execution.
/// </summary>
public static class RecoveryIds
{
    private const string Prefix = "r-";
    private const int TimeLength = 2 + 12; // the prefix, and 48 bits of milliseconds in hexadecimal digits

    /// <summary>A new id, higher than the newest one so far.</summary>
    /// <param name="newest">The highest id of the execution; the default where it has none.</param>
    /// <param name="now">The time; it may be that of the newest one, or earlier.</param>
    public static RecoveryId After(RecoveryId newest, DateTimeOffset now)
    {
        var fresh = $"{Prefix}{Guid.CreateVersion7(now):N}";
        if (string.CompareOrdinal(fresh, 0, newest.Text ?? "", 0, TimeLength) > 0)
        {
            return RecoveryId.Parse(fresh);
        }

        // UUIDv7s of one millisecond stand in no order, and clocks are set back: then the newest one is counted up (RFC 9562, section 6.2), whatever chance says:
        // a simulated run repeats.
        var isOurs = UInt128.TryParse(newest.Text.AsSpan(Prefix.Length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number);
        Invariant.Holds(isOurs && number < UInt128.MaxValue, $"{newest} is no id of a recovery that a host made.");
        return RecoveryId.Parse($"{Prefix}{number + 1:x32}");
    }
}
