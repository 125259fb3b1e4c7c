using System.Collections;
using System.Runtime.CompilerServices;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Conformance;

/// <summary>What a scenario expects. It needs no test framework, so that scenarios run wherever a host does.</summary>
internal static class Expect
{
    internal static void Equal<T>(T expected, T actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new ConformanceException($"{what} is {Show(actual)}, and should be {Show(expected)}.");
        }
    }

    internal static void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> actual, [CallerArgumentExpression(nameof(actual))] string what = "")
    {
        var (wanted, found) = (expected.ToList(), actual.ToList());
        if (!wanted.SequenceEqual(found))
        {
            throw new ConformanceException($"{what} is {Show(found)}, and should be {Show(wanted)}.");
        }
    }

    internal static void Holds(bool condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        if (!condition)
        {
            throw new ConformanceException($"This should hold: {what}.");
        }
    }

    internal static async Task<RecoveryError> RefusedAsync(RecoveryErrorCode code, Func<Task> call, [CallerArgumentExpression(nameof(call))] string what = "")
    {
        try
        {
            await call();
        }
        catch (RecoveryException refused)
        {
            Equal(code, refused.Error.Code, what);
            return refused.Error;
        }

        throw new ConformanceException($"{what} should be refused with {code}.");
    }

    private static string Show(object? value) => value switch
    {
        null => "nothing",
        string text => $"'{text}'",
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Show))}]",
        _ => $"{value}",
    };
}
