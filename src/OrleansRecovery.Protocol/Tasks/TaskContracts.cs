using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>What a contract must be before anybody accepts it. Asked by the delegator, and by the worker of what came to it. Pure.</summary>
public static partial class TaskContracts
{
    /// <summary>Longest objective, in characters.</summary>
    public const int ObjectiveLengthMax = 280;

    /// <summary>Most names in a list of a contract.</summary>
    public const int NameCountMax = 64;

    /// <summary>Longest time budget, in milliseconds: 30 days.</summary>
    public const long TimeBudgetMax = 30L * 24 * 3600 * 1000;

    // Longest key, in characters: that of a revision has a slash and a number behind it.
    private const int KeyLengthMax = TermText.LengthMax - 4;

    /// <summary>Why a contract is not accepted, or null.</summary>
    public static RecoveryError? FaultOf(TaskContract contract) =>
        CompoundSign(contract.Objective) is { } sign
            ? new RecoveryError(
                RecoveryErrorCode.CompoundContract,
                $"The objective '{Shortened(contract.Objective)}' asks for more than one thing: it has {sign}.",
                "The task was not delegated.",
                "Split it: one task for each thing, each with a key and a budget of its own, one after the other or at once.")
            : Fault(contract) is { } fault ? Invalid(fault) : null;

    /// <summary>Why a message goes beyond the contract's input scope, or null.</summary>
    public static RecoveryError? ScopeFaultOf(TaskContract contract, JsonElement message)
    {
        var beyond = message.ValueKind == JsonValueKind.Object
            ? message.EnumerateObject().Select(member => member.Name).FirstOrDefault(name => !contract.InputScope.Contains(name, StringComparer.Ordinal))
            : "(it is no object)";
        return beyond is null ? null : Invalid($"the message has {beyond}, which is not in the input scope");
    }

    /// <summary>
    /// What shows that an objective is compound, or null: a line break, a semicolon, a second sentence, or the word "then". Nobody can tell from a text whether it
    /// is one thing; this tells what surely is not.
    /// </summary>
    public static string? CompoundSign(string objective)
    {
        ArgumentNullException.ThrowIfNull(objective);
        return objective.AsSpan().IndexOfAny('\n', '\r') >= 0 ? "a line break"
            : objective.Contains(';', StringComparison.Ordinal) ? "a semicolon"
            : SecondSentence().IsMatch(objective) ? "a second sentence"
            : Then().IsMatch(objective) ? "the word 'then'"
            : null;
    }

    private static string? Fault(TaskContract contract) =>
        !TermText.TryValidate("key", contract.Key, out var error) ? error.Cause
        : contract.Key.Length > KeyLengthMax ? $"the key has {contract.Key.Length} characters, more than {KeyLengthMax}"
        : string.IsNullOrWhiteSpace(contract.Objective) ? "the objective is empty"
        : contract.Objective.Length > ObjectiveLengthMax ? $"the objective has {contract.Objective.Length} characters, more than {ObjectiveLengthMax}"
        : NamesFault("allowed_actions", contract.AllowedActions, IsActionName)
            ?? NamesFault("input_scope", contract.InputScope, name => name.Length is > 0 and <= TermText.LengthMax)
            ?? OutOfRange("time_budget_milliseconds", contract.TimeBudgetMilliseconds, 1, TimeBudgetMax)
            ?? (contract.CostBudget.IsInRange ? null : $"an amount of cost_budget is outside 0 to {Charge.AmountMax}")
            ?? OutOfRange("revision_count_max", contract.RevisionCountMax, 0, 10)
            ?? OutOfRange("failure_count_max", contract.FailureCountMax, 1, 100)
            ?? (OutputSchema.FaultOf(contract.OutputSchema) is { } fault ? $"output_schema: {fault}" : null);

    private static bool IsActionName(string name) => TermText.TryValidate("action", name, out _);

    private static string? NamesFault(string list, IReadOnlyList<string> names, Func<string, bool> isName) =>
        names.Count > NameCountMax ? $"{list} has {names.Count} names, more than {NameCountMax}"
        : names.FirstOrDefault(name => name is null || !isName(name)) is { } odd ? $"{list} has '{Shortened(odd)}', which is no name"
        : names.Any(name => name is null) ? $"{list} has a null"
        : names.Distinct(StringComparer.Ordinal).Count() != names.Count ? $"{list} has a name twice"
        : null;

    private static string? OutOfRange(string name, long value, long min, long max) =>
        value < min || value > max ? $"{name} is {value}, outside {min} to {max}" : null;

    internal static RecoveryError Invalid(string fault) => new(
        RecoveryErrorCode.InvalidContract,
        $"The contract cannot be accepted: {fault}.",
        "The task was not delegated.",
        "Compare the contract with docs/guarded-execution.md, and delegate again.");

    private static string Shortened(string text) => text.Length > 80 ? text[..80] + "..." : text;

    [GeneratedRegex(@"[.!?]\s+\S", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex SecondSentence();

    [GeneratedRegex(@"\bthen\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Then();
}
