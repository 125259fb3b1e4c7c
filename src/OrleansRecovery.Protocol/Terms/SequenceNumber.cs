using System.Globalization;
using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>The position of an event in one agent's journal, from 0, without gaps, never given twice.</summary>
[JsonConverter(typeof(NumberTermConverter<SequenceNumber>))]
public readonly record struct SequenceNumber : INumberTerm<SequenceNumber>, IComparable<SequenceNumber>
{
    private SequenceNumber(long number) => Number = number;

    /// <inheritdoc/>
    public static string Term => "sequence number";

    /// <summary>The first one: 0.</summary>
    public static SequenceNumber First => default;

    /// <inheritdoc/>
    public long Number { get; }

    /// <summary>The next higher one.</summary>
    public SequenceNumber Next => new(Number + 1);

    /// <inheritdoc/>
    public static SequenceNumber FromValidated(long number) => new(number);

    /// <summary>Wraps a number.</summary>
    /// <exception cref="Errors.RecoveryException">It is negative or above 2^53 - 1.</exception>
    public static SequenceNumber Of(long number) => TermParser.Number<SequenceNumber>(number);

    /// <inheritdoc/>
    public int CompareTo(SequenceNumber other) => Number.CompareTo(other.Number);

    /// <summary>Is the left one lower?</summary>
    public static bool operator <(SequenceNumber left, SequenceNumber right) => left.Number < right.Number;

    /// <summary>Is the left one higher?</summary>
    public static bool operator >(SequenceNumber left, SequenceNumber right) => left.Number > right.Number;

    /// <summary>Is the left one lower or the same?</summary>
    public static bool operator <=(SequenceNumber left, SequenceNumber right) => left.Number <= right.Number;

    /// <summary>Is the left one higher or the same?</summary>
    public static bool operator >=(SequenceNumber left, SequenceNumber right) => left.Number >= right.Number;

    /// <summary>The lower of the two.</summary>
    public static SequenceNumber Min(SequenceNumber left, SequenceNumber right) => left <= right ? left : right;

    /// <summary>The number as it stands on the wire.</summary>
    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}
