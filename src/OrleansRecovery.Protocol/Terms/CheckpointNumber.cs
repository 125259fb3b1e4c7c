using System.Globalization;
using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>Names an agent's checkpoint and the interval that it opens. Checkpoint 0 is the initial state. A number is never given twice, not even after a rollback (ADR 2-interval-numbers), so it names one stretch of work for ever.</summary>
[JsonConverter(typeof(NumberTermConverter<CheckpointNumber>))]
public readonly record struct CheckpointNumber : INumberTerm<CheckpointNumber>, IComparable<CheckpointNumber>
{
    private CheckpointNumber(long number) => Number = number;

    /// <inheritdoc/>
    public static string Term => "checkpoint number";

    /// <summary>The first one: 0.</summary>
    public static CheckpointNumber First => default;

    /// <inheritdoc/>
    public long Number { get; }

    /// <summary>The next higher one.</summary>
    public CheckpointNumber Next => new(Number + 1);

    /// <inheritdoc/>
    public static CheckpointNumber FromValidated(long number) => new(number);

    /// <summary>Wraps a number.</summary>
    /// <exception cref="Errors.RecoveryException">It is negative or above 2^53 - 1.</exception>
    public static CheckpointNumber Of(long number) => TermParser.Number<CheckpointNumber>(number);

    /// <inheritdoc/>
    public int CompareTo(CheckpointNumber other) => Number.CompareTo(other.Number);

    /// <summary>Is the left one lower?</summary>
    public static bool operator <(CheckpointNumber left, CheckpointNumber right) => left.Number < right.Number;

    /// <summary>Is the left one higher?</summary>
    public static bool operator >(CheckpointNumber left, CheckpointNumber right) => left.Number > right.Number;

    /// <summary>Is the left one lower or the same?</summary>
    public static bool operator <=(CheckpointNumber left, CheckpointNumber right) => left.Number <= right.Number;

    /// <summary>Is the left one higher or the same?</summary>
    public static bool operator >=(CheckpointNumber left, CheckpointNumber right) => left.Number >= right.Number;

    /// <summary>The lower of the two.</summary>
    public static CheckpointNumber Min(CheckpointNumber left, CheckpointNumber right) => left <= right ? left : right;

    /// <summary>The number as it stands on the wire.</summary>
    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}
