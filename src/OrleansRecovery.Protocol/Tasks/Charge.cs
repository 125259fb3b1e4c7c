namespace OrleansRecovery.Protocol.Tasks;

/// <summary>What a step of a task costs, or what a task may: three amounts, each from 0 to 2^53 - 1.</summary>
/// <param name="Calls">How many actions, values from outside and delegations.</param>
/// <param name="Tokens">How many tokens of models.</param>
/// <param name="Cost">How much money, in millionths of the unit that the execution's owner reckons in.</param>
public readonly record struct Charge(long Calls, long Tokens = 0, long Cost = 0)
{
    /// <summary>Largest amount.</summary>
    public const long AmountMax = (1L << 53) - 1;

    /// <summary>One call that costs nothing else.</summary>
    public static Charge OneCall => new(1);

    /// <summary>Is every amount in its range?</summary>
    public bool IsInRange => Calls is >= 0 and <= AmountMax && Tokens is >= 0 and <= AmountMax && Cost is >= 0 and <= AmountMax;

    /// <summary>Is no amount larger than the limit's?</summary>
    public bool FitsIn(Charge limit) => Calls <= limit.Calls && Tokens <= limit.Tokens && Cost <= limit.Cost;

    /// <summary>Amount by amount the larger of the two.</summary>
    public static Charge Max(Charge one, Charge other) =>
        new(Math.Max(one.Calls, other.Calls), Math.Max(one.Tokens, other.Tokens), Math.Max(one.Cost, other.Cost));

    /// <summary>Amount by amount what the left one has above the right one; 0 where it has less.</summary>
    public static Charge Above(Charge left, Charge right) =>
        new(Math.Max(0, left.Calls - right.Calls), Math.Max(0, left.Tokens - right.Tokens), Math.Max(0, left.Cost - right.Cost));

    /// <summary>Both together.</summary>
    public static Charge operator +(Charge left, Charge right) => new(left.Calls + right.Calls, left.Tokens + right.Tokens, left.Cost + right.Cost);

    /// <summary>The left one without the right one.</summary>
    public static Charge operator -(Charge left, Charge right) => new(left.Calls - right.Calls, left.Tokens - right.Tokens, left.Cost - right.Cost);

    /// <summary>For people.</summary>
    public override string ToString() => $"{Calls} calls, {Tokens} tokens, cost {Cost}";
}
