using System.Globalization;
using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>The coordinator's fence: raised when one takes over from another. Never compared with an <see cref="Incarnation"/>.</summary>
[JsonConverter(typeof(NumberTermConverter<Epoch>))]
public readonly record struct Epoch : INumberTerm<Epoch>, IComparable<Epoch>
{
    private Epoch(long number) => Number = number;

    /// <inheritdoc/>
    public static string Term => "epoch";

    /// <summary>The first one: 0.</summary>
    public static Epoch First => default;

    /// <inheritdoc/>
    public long Number { get; }

    /// <summary>The next higher one.</summary>
    public Epoch Next => new(Number + 1);

    /// <inheritdoc/>
    public static Epoch FromValidated(long number) => new(number);

    /// <summary>Wraps a number.</summary>
    /// <exception cref="Errors.RecoveryException">It is negative or above 2^53 - 1.</exception>
    public static Epoch Of(long number) => TermParser.Number<Epoch>(number);

    /// <inheritdoc/>
    public int CompareTo(Epoch other) => Number.CompareTo(other.Number);

    /// <summary>Is the left one lower?</summary>
    public static bool operator <(Epoch left, Epoch right) => left.Number < right.Number;

    /// <summary>Is the left one higher?</summary>
    public static bool operator >(Epoch left, Epoch right) => left.Number > right.Number;

    /// <summary>Is the left one lower or the same?</summary>
    public static bool operator <=(Epoch left, Epoch right) => left.Number <= right.Number;

    /// <summary>Is the left one higher or the same?</summary>
    public static bool operator >=(Epoch left, Epoch right) => left.Number >= right.Number;

    /// <summary>The lower of the two.</summary>
    public static Epoch Min(Epoch left, Epoch right) => left <= right ? left : right;

    /// <summary>The number as it stands on the wire.</summary>
    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}
