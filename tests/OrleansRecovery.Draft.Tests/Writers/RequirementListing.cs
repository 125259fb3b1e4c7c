using System.Text;
using OrleansRecovery.Draft.Tests.Normative;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>The identifiers of the draft, each with its level and the section where it stands.</summary>
internal static class RequirementListing
{
    private const int ColumnCount = 4;

    private const string Introduction =
        """
        Each entry gives an identifier without its "R-", its level (M for MUST, MN for MUST NOT, S for SHOULD, SN for SHOULD NOT), and the section in
        which it stands. The text there applies.


        """;

    public static string Write(string draft)
    {
        var source = Files.Read(draft);
        var sections = Sections(source.ReplaceLineEndings("\n").Split('\n'));
        var items = NormativeText.Read(source).Where(sentence => sentence.IsNormative)
            .SelectMany(sentence => sentence.Ids.Select(id => (Id: id, Level: LevelOf(sentence.Words[0]), Section: sections[sentence.Line - 1])))
            .OrderBy(item => ConformanceMap.Sortable(item.Id), StringComparer.Ordinal)
            .Select(item => $"{item.Id["R-".Length..],-6} {item.Level,-2} {item.Section}".PadRight(17))
            .ToList();
        var rows = (items.Count + ColumnCount - 1) / ColumnCount;
        var text = new StringBuilder(DraftText.Preface).Append(Introduction.ReplaceLineEndings("\n"));
        DraftText.AppendListing(text, "", Enumerable.Range(0, rows).Select(row => string.Concat(items.Where((_, i) => i % rows == row)).TrimEnd()));
        return text.ToString();
    }

    private static string LevelOf(string word) => string.Concat(word.Split(' ').Select(part => part[0]));

    // The number of the section that each line is in, as the renderer counts: appendices have letters, and what is unnumbered comes last.
    private static string[] Sections(string[] lines)
    {
        var (levels, isText, isBack, isListing, current) = (new int[6], false, false, false, "");
        return [.. lines.Select(line =>
        {
            isText |= line == "--- middle";
            isListing ^= line.StartsWith("~~~", StringComparison.Ordinal);
            if (line == "--- back")
            {
                (isBack, levels) = (true, new int[6]);
            }
            else if (isText && !isListing && line.StartsWith('#'))
            {
                var depth = line.TakeWhile(letter => letter == '#').Count();
                levels[depth - 1]++;
                Array.Clear(levels, depth, levels.Length - depth);
                current = string.Join('.', levels.Take(depth).Select((number, i) => i == 0 && isBack ? $"{(char)('A' + number - 1)}" : DraftText.Text(number)));
            }

            return current;
        })];
    }
}
