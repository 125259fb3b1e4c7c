using System.Diagnostics.CodeAnalysis;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>
/// The rule for every name on the wire and in storage: 1 to 128 of ASCII letters, digits and <c>- _ . : @ ~ +</c>,
/// starting with a letter, digit, <c>_</c> or <c>@</c>. So a name needs no escaping in JSON, URLs, SQL, or a shell, and
/// <c>/</c> and <c>#</c> stay free as separators.
/// </summary>
public static class TermText
{
    /// <summary>Longest name, in characters.</summary>
    public const int LengthMax = 128;

    /// <summary>The name when it keeps the rule; otherwise an error that says which term and what to change.</summary>
    public static bool TryValidate(string term, [NotNullWhen(true)] string? text, [NotNullWhen(false)] out RecoveryError? error)
    {
        error = null;
        if (string.IsNullOrEmpty(text))
        {
            error = Error(term, "is empty");
        }
        else if (text.Length > LengthMax)
        {
            error = Error(term, $"has {text.Length} characters");
        }
        else if (!IsFirst(text[0]))
        {
            error = Error(term, $"starts with '{text[0]}'");
        }
        else
        {
            foreach (var character in text)
            {
                if (!IsAllowed(character))
                {
                    error = Error(term, $"has the character U+{(int)character:X4}");
                    break;
                }
            }
        }

        return error is null;
    }

    /// <summary>Turns any text into a name that keeps the rule: other characters become <c>_</c>. For importers; may collide.</summary>
    public static string Normalize(string text)
    {
        var kept = text.Length > LengthMax ? text[..LengthMax] : text;
        var name = string.Concat(kept.Select(c => IsAllowed(c) ? c : '_'));
        return name.Length > 0 && IsFirst(name[0]) ? name : string.Concat("_", name.AsSpan(0, Math.Min(name.Length, LengthMax - 1)));
    }

    private static bool IsFirst(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '@';

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':' or '@' or '~' or '+';

    private static RecoveryError Error(string term, string what) => new(
        RecoveryErrorCode.InvalidName,
        $"The {term} {what}.",
        "Nothing was changed.",
        "Use 1 to 128 ASCII letters, digits and - _ . : @ ~ + and begin with a letter, digit, _ or @.");
}
