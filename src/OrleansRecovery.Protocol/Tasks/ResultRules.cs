using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>What becomes of a result.</summary>
[JsonConverter(typeof(WireNameConverter<Verdict>))]
public enum Verdict
{
    /// <summary>It is what the contract asks for.</summary>
    Pass,

    /// <summary>It is handed back with the reasons.</summary>
    Revise,

    /// <summary>It cannot be trusted, or was handed back often enough.</summary>
    Reject,
}

/// <summary>Something that is wrong with a result.</summary>
/// <param name="Text">What, for the worker and for people.</param>
/// <param name="IsCorrupt">It is no result that the worker meant to give: to hand it back would help nobody.</param>
public sealed record Finding(string Text, bool IsCorrupt = false);

/// <summary>What became of a result, and why.</summary>
/// <param name="Verdict">What.</param>
/// <param name="Reasons">Why; empty when it passed.</param>
public sealed record Judgement(Verdict Verdict, IReadOnlyList<string> Reasons)
{
    /// <summary>The name of the recorded value of a delegator that is a judgement; its argument is the number of the request.</summary>
    public const string StepName = "@verdict";
}

/// <summary>Judges results. Pure.</summary>
public static class ResultRules
{
    /// <summary>What the contract finds wrong with a result.</summary>
    public static IReadOnlyList<Finding> FindingsOf(TaskContract contract, TaskResult result)
    {
        try
        {
            return AllFindingsOf(contract, result);
        }
        catch (Exception unreadable) when (unreadable is InvalidOperationException or JsonException or ArgumentException)
        {
            return [new Finding($"The value cannot be read: {unreadable.Message}", IsCorrupt: true)]; // half of a surrogate pair: JSON, and no text
        }
    }

    private static List<Finding> AllFindingsOf(TaskContract contract, TaskResult result)
    {
        var findings = new List<Finding>();
        if (ContentChecks.ChecksumOf(result.Value) != result.Checksum)
        {
            findings.Add(new Finding("The value does not match its checksum.", IsCorrupt: true));
        }

        foreach (var attachment in result.Attachments)
        {
            if (ContentChecks.ChecksumOf(attachment.Content.Span) != attachment.Checksum)
            {
                findings.Add(new Finding($"The attachment {attachment.Name} does not match its checksum.", IsCorrupt: true));
            }
            else if (ContentChecks.FaultOf(attachment.MediaType, attachment.Content.Span) is { } fault)
            {
                findings.Add(new Finding($"The attachment {attachment.Name} is not {attachment.MediaType}: {fault}."));
            }
            else if (contract.RequiresKnownMediaTypes && !ContentChecks.Knows(attachment.MediaType))
            {
                findings.Add(new Finding($"The attachment {attachment.Name} is {attachment.MediaType}, which nobody can check."));
            }
        }

        findings.AddRange(OutputSchema.FindingsOf(contract.OutputSchema, result.Value).Select(text => new Finding($"The value: {text}.")));
        return findings;
    }

    /// <summary>
    /// Nothing found: it passes. Something corrupt: it is rejected. Anything else is handed back as often as the contract says, and then rejected.
    /// </summary>
    /// <param name="contract">The contract.</param>
    /// <param name="round">How often a result of the task was handed back before.</param>
    /// <param name="findings">What is wrong.</param>
    public static Judgement Judge(TaskContract contract, int round, IReadOnlyList<Finding> findings)
    {
        var verdict = findings.Count == 0 ? Verdict.Pass
            : findings.Any(finding => finding.IsCorrupt) || round >= contract.RevisionCountMax ? Verdict.Reject
            : Verdict.Revise;
        return new Judgement(verdict, [.. findings.Select(finding => finding.Text)]);
    }
}
