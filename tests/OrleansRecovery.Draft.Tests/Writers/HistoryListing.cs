using System.Text;
using OrleansRecovery.Draft.Tests.Histories;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>The worked histories, with what falls as the code computes it.</summary>
internal static class HistoryListing
{
    private const string Introduction =
        """
        In a history, C(A) is a checkpoint that A takes, S(A,m) the message m that A sends, R(B,m) its consumption by B, and X(A,x) an
        action x of A; an action whose name ends in an exclamation mark is irrevocable, every other one compensatable. Each agent begins in
        interval 0. Dependencies are required. A history is followed by the suspect intervals, the targets of the
        agents that fall, the order in which actions are compensated (actions between semicolons do not depend on each other; an irrevocable
        one is not compensated but named as residue in its place), the messages that are redelivered, and those that are dead.


        """;

    public static string Write()
    {
        var text = new StringBuilder(DraftText.Preface).Append(Introduction.ReplaceLineEndings("\n"));
        DraftText.AppendListing(text, "", WorkedHistory.All.SelectMany((history, i) => i == 0 ? LinesOf(history) : LinesOf(history).Prepend("")));
        return text.ToString();
    }

    private static IEnumerable<string> LinesOf(WorkedHistory history) =>
    [
        .. DraftText.Fill("", $"{history.Id}: {history.Title}".Split(' '), 5),
        .. Field("history", history.Events.Select(item => item.ToString())),
        .. Field("suspect", [.. history.Suspects.Select(item => item.ToString()), "targets:", .. Words(history.Targets.Select(target => $"{target.Agent}/{target.Number}"))]),
        .. Field("order", history.Order.Select((layer, i) => string.Join(' ', layer) + (i < history.Order.Count - 1 ? ";" : ""))),
        .. Field("redelivered", [.. Words(history.Redelivered), "dead:", .. Words(history.Dead)]),
    ];

    private static IEnumerable<string> Words(IEnumerable<string> words) => words.DefaultIfEmpty("-");

    private static IEnumerable<string> Field(string name, IEnumerable<string> words) => DraftText.Fill($"  {name}: ", Words(words), 4);
}
