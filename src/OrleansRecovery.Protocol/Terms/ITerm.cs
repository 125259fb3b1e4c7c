using System.Diagnostics.CodeAnalysis;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>A term that is a name. It is parsed once, at the edge, and trusted inside.</summary>
public interface ITextTerm<TSelf>
    where TSelf : struct, ITextTerm<TSelf>
{
    /// <summary>What an error calls it, for example <c>agent</c>.</summary>
    static abstract string Term { get; }

    /// <summary>Wraps a text that has been validated.</summary>
    static abstract TSelf FromValidated(string text);

    /// <summary>The text as it stands on the wire.</summary>
    string Text { get; }
}

/// <summary>A term that is a count or a position: from 0 up to 2^53 - 1, so that JSON readers keep it exact.</summary>
public interface INumberTerm<TSelf>
    where TSelf : struct, INumberTerm<TSelf>
{
    /// <summary>What an error calls it, for example <c>incarnation</c>.</summary>
    static abstract string Term { get; }

    /// <summary>Wraps a number that has been validated.</summary>
    static abstract TSelf FromValidated(long number);

    /// <summary>The number as it stands on the wire.</summary>
    long Number { get; }
}

/// <summary>Parses terms. Every parse of a name or number in the product goes through here.</summary>
public static class TermParser
{
    /// <summary>Largest number on the wire: 2^53 - 1.</summary>
    public const long NumberMax = (1L << 53) - 1;

    /// <summary>The term, or the error that says why not.</summary>
    public static bool TryParse<T>(string? text, out T term, [NotNullWhen(false)] out RecoveryError? error)
        where T : struct, ITextTerm<T>
    {
        var valid = TermText.TryValidate(T.Term, text, out error);
        term = valid ? T.FromValidated(text!) : default;
        return valid;
    }

    /// <summary>The term.</summary>
    /// <exception cref="RecoveryException">The text breaks the rule for names (<see cref="TermText"/>).</exception>
    public static T Parse<T>(string? text)
        where T : struct, ITextTerm<T> =>
        TryParse<T>(text, out var term, out var error) ? term : throw new RecoveryException(error);

    /// <summary>The term.</summary>
    /// <exception cref="RecoveryException">The number is negative or above <see cref="NumberMax"/>.</exception>
    public static T Number<T>(long number)
        where T : struct, INumberTerm<T> =>
        number is >= 0 and <= NumberMax
            ? T.FromValidated(number)
            : throw RecoveryException.Of(
                RecoveryErrorCode.InvalidNumber,
                $"The {T.Term} {number} is outside 0 to {NumberMax}.",
                "Nothing was changed.",
                "Pass a number in that range.");
}
