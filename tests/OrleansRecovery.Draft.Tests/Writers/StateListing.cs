using System.Text;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Repository.Tests;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>A machine's table: its inputs, and the rows of each phase: first those that may lead out of it. What the phases mean says the text.</summary>
internal static class StateListing
{
    private const int Indent = 4;

    // Inputs that need no word, since they are the messages of that name.
    private static readonly HashSet<string> Messages = new(Enum.GetNames<RecoveryMessageKind>(), StringComparer.Ordinal);

    public static string Write<TPhase, TInput>(string machine, TransitionTable<TPhase, TInput> table)
        where TPhase : struct, Enum
        where TInput : struct, Enum
    {
        var text = new StringBuilder(DraftText.Preface);
        text.Append($"The inputs of the {machine}:\n\n").Append(DraftText.Compact);
        foreach (var input in Enum.GetValues<TInput>().Where(input => !Messages.Contains($"{input}")))
        {
            text.Append($"{input}:\n: {Summaries.Of(input)}\n\n");
        }

        text.Append("Below the name of a phase, a row names its label, its input, and the phases that may follow; inputs listed after \"stays\" leave the phase as it is.\n\n");
        foreach (var phase in Enum.GetValues<TPhase>())
        {
            DraftText.AppendListing(text, "", LinesOf(phase, [.. table.Rows.Where(row => row.From.Equals(phase))])); // one each: a listing is not broken over pages
        }

        return text.ToString();
    }

    private static IEnumerable<string> LinesOf<TPhase, TInput>(TPhase phase, IReadOnlyList<TransitionRow<TPhase, TInput>> rows)
        where TPhase : struct, Enum
        where TInput : struct, Enum =>
        [
            $"{phase}",
            .. rows.Where(Moves).SelectMany(row => DraftText.Fill($"  {row.Label} {row.On}: ", Listed(row.To.Select(to => $"{to}")), Indent + 2)),
            .. Group("stays", rows.Where(row => row.IsLegal && !Moves(row))),
            .. Group("illegal", rows.Where(row => !row.IsLegal)),
        ];

    private static bool Moves<TPhase, TInput>(TransitionRow<TPhase, TInput> row)
        where TPhase : struct, Enum
        where TInput : struct, Enum =>
        row.To.Any(to => !to.Equals(row.From));

    private static IEnumerable<string> Group<TPhase, TInput>(string name, IEnumerable<TransitionRow<TPhase, TInput>> rows)
        where TPhase : struct, Enum
        where TInput : struct, Enum =>
        rows.Any() ? DraftText.Fill($"  {name}: ", Listed(rows.Select(row => $"{row.Label} {row.On}")), Indent + 2) : [];

    private static IEnumerable<string> Listed(IEnumerable<string> items)
    {
        var all = items.ToList();
        return all.Select((item, i) => i < all.Count - 1 ? item + "," : item);
    }
}
