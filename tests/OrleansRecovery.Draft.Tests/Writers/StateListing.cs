using System.Text;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Repository.Tests;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>A machine's table: its inputs, its phases, and a listing of the rows of each phase.</summary>
internal static class StateListing
{
    public static string Write<TPhase, TInput>(string machine, TransitionTable<TPhase, TInput> table)
        where TPhase : struct, Enum
        where TInput : struct, Enum
    {
        var text = new StringBuilder(DraftText.Preface);
        text.Append($"The inputs of the {machine}:\n\n");
        AppendMeanings<TInput>(text);
        text.Append($"The phases of the {machine}:\n\n");
        AppendMeanings<TPhase>(text);
        foreach (var phase in Enum.GetValues<TPhase>())
        {
            text.Append($"In phase {phase}:\n\n");
            DraftText.AppendListing(text, "", table.Rows.Where(row => row.From.Equals(phase)).SelectMany(LinesOf));
        }

        return text.ToString();
    }

    private static IEnumerable<string> LinesOf<TPhase, TInput>(TransitionRow<TPhase, TInput> row)
        where TPhase : struct, Enum
        where TInput : struct, Enum
    {
        var head = $"{row.Label}  {row.On,-22}";
        var to = row.To.Select((phase, i) => i < row.To.Count - 1 ? $"{phase}," : $"{phase}");
        return row.IsLegal ? DraftText.Fill(head, to, head.Length) : [head + "(illegal)"];
    }

    private static void AppendMeanings<TEnum>(StringBuilder text)
        where TEnum : struct, Enum
    {
        text.Append(DraftText.Compact);
        foreach (var member in Enum.GetValues<TEnum>())
        {
            text.Append($"{member}:\n: {Summaries.Of(member)}\n\n");
        }
    }
}
