using System.Globalization;
using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>A number that an agent raises every time it is rolled back; every message carries the sender's. An agent's own, never compared with an <see cref="Epoch"/>.</summary>
[JsonConverter(typeof(NumberTermConverter<Incarnation>))]
public readonly record struct Incarnation : INumberTerm<Incarnation>, IComparable<Incarnation>
{
    private Incarnation(long number) => Number = number;

    /// <inheritdoc/>
    public static string Term => "incarnation";

    /// <summary>The first one: 0.</summary>
    public static Incarnation First => default;

    /// <inheritdoc/>
    public long Number { get; }

    /// <summary>The next higher one.</summary>
    public Incarnation Next => new(Number + 1);

    /// <inheritdoc/>
    public static Incarnation FromValidated(long number) => new(number);

    /// <summary>Wraps a number.</summary>
    /// <exception cref="Errors.RecoveryException">It is negative or above 2^53 - 1.</exception>
    public static Incarnation Of(long number) => TermParser.Number<Incarnation>(number);

    /// <inheritdoc/>
    public int CompareTo(Incarnation other) => Number.CompareTo(other.Number);

    /// <summary>Is the left one lower?</summary>
    public static bool operator <(Incarnation left, Incarnation right) => left.Number < right.Number;

    /// <summary>Is the left one higher?</summary>
    public static bool operator >(Incarnation left, Incarnation right) => left.Number > right.Number;

    /// <summary>Is the left one lower or the same?</summary>
    public static bool operator <=(Incarnation left, Incarnation right) => left.Number <= right.Number;

    /// <summary>Is the left one higher or the same?</summary>
    public static bool operator >=(Incarnation left, Incarnation right) => left.Number >= right.Number;

    /// <summary>The lower of the two.</summary>
    public static Incarnation Min(Incarnation left, Incarnation right) => left <= right ? left : right;

    /// <summary>The number as it stands on the wire.</summary>
    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}
