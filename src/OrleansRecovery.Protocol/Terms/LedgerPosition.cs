using System.Globalization;
using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>The position of a recovery record in its tenant's ledger, from 0, without gaps.</summary>
[JsonConverter(typeof(NumberTermConverter<LedgerPosition>))]
public readonly record struct LedgerPosition : INumberTerm<LedgerPosition>, IComparable<LedgerPosition>
{
    private LedgerPosition(long number) => Number = number;

    /// <inheritdoc/>
    public static string Term => "ledger position";

    /// <summary>The first one: 0.</summary>
    public static LedgerPosition First => default;

    /// <inheritdoc/>
    public long Number { get; }

    /// <summary>The next higher one.</summary>
    public LedgerPosition Next => new(Number + 1);

    /// <inheritdoc/>
    public static LedgerPosition FromValidated(long number) => new(number);

    /// <summary>Wraps a number.</summary>
    /// <exception cref="Errors.RecoveryException">It is negative or above 2^53 - 1.</exception>
    public static LedgerPosition Of(long number) => TermParser.Number<LedgerPosition>(number);

    /// <inheritdoc/>
    public int CompareTo(LedgerPosition other) => Number.CompareTo(other.Number);

    /// <summary>Is the left one lower?</summary>
    public static bool operator <(LedgerPosition left, LedgerPosition right) => left.Number < right.Number;

    /// <summary>Is the left one higher?</summary>
    public static bool operator >(LedgerPosition left, LedgerPosition right) => left.Number > right.Number;

    /// <summary>Is the left one lower or the same?</summary>
    public static bool operator <=(LedgerPosition left, LedgerPosition right) => left.Number <= right.Number;

    /// <summary>Is the left one higher or the same?</summary>
    public static bool operator >=(LedgerPosition left, LedgerPosition right) => left.Number >= right.Number;

    /// <summary>The lower of the two.</summary>
    public static LedgerPosition Min(LedgerPosition left, LedgerPosition right) => left <= right ? left : right;

    /// <summary>The number as it stands on the wire.</summary>
    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}
