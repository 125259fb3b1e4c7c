using System.Text.RegularExpressions;

namespace OrleansRecovery.Draft.Tests.Normative;

/// <summary>A sentence of the draft, with the BCP 14 key words and the ids that stand in it.</summary>
/// <param name="Line">The line of the source that its block begins at.</param>
/// <param name="Text">The sentence without its ids.</param>
/// <param name="Words">Its key words, the longest form each.</param>
/// <param name="Ids">Its ids.</param>
internal sealed record Sentence(int Line, string Text, IReadOnlyList<string> Words, IReadOnlyList<string> Ids)
{
    /// <summary>Is something required, recommended or permitted?</summary>
    public bool IsNormative => Words.Count > 0;
}

/// <summary>
/// The sentences of a draft in kramdown-rfc. An id looks like <c>(R-PREP-3)</c> and stands in the sentence that it names, or right behind it. What is
/// included, listed, commented out, or stands before the abstract is not read.
/// </summary>
internal static partial class NormativeText
{
    private const string Listing = "~~~";

    public static IReadOnlyList<Sentence> Read(string draft)
    {
        var sentences = new List<Sentence>();
        foreach (var (line, block) in Blocks(draft.ReplaceLineEndings("\n").Split('\n')))
        {
            foreach (var text in Split(block))
            {
                sentences.Add(new Sentence(
                    line,
                    SpaceBeforeMark().Replace(Space().Replace(Id().Replace(text, ""), " "), "").Trim(),
                    [.. KeyWord().Matches(text).Select(match => Space().Replace(match.Value, " "))],
                    [.. Id().Matches(text).Select(match => match.Groups["id"].Value)]));
            }
        }

        return sentences;
    }

    /// <summary>The parts that the draft's Implementation Status lists as not implemented, each as it is written there.</summary>
    public static IReadOnlySet<string> NotImplemented(string draft) =>
        PartEnd().Split(Space().Replace(NotImplementedEntry().Match(draft.ReplaceLineEndings("\n")).Groups["text"].Value, " "))
            .Where(part => part.Length > 0).ToHashSet(StringComparer.Ordinal);

    // Paragraphs, entries of lists and rows of tables, each on one line.
    private static IEnumerable<(int Line, string Text)> Blocks(string[] lines)
    {
        var (isText, fence, isComment) = (false, "", false);
        var (start, block) = (0, new List<string>());
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            if (!isText || isComment)
            {
                isText |= line == "--- abstract";
                isComment &= line != "{:/comment}";
                continue;
            }

            var isFence = line.StartsWith(Listing, StringComparison.Ordinal) || line.StartsWith("```", StringComparison.Ordinal);
            isComment = fence.Length == 0 && line == "{::comment}";
            var isInside = fence.Length > 0;
            if (isFence && (fence.Length == 0 || line.StartsWith(fence, StringComparison.Ordinal)))
            {
                fence = isInside ? "" : line[..3];
            }

            var isBreak = isFence || isInside || isComment || line.Length == 0 || line.StartsWith("{:", StringComparison.Ordinal) || line.StartsWith('#') || line.StartsWith("---", StringComparison.Ordinal);
            if ((isBreak || NewBlock().IsMatch(line)) && block.Count > 0)
            {
                yield return (start, string.Join(' ', block));
                block.Clear();
            }

            if (!isBreak)
            {
                start = block.Count == 0 ? i + 1 : start;
                block.Add(block.Count == 0 ? Marker().Replace(line, "") : line);
            }
        }

        if (block.Count > 0)
        {
            yield return (start, string.Join(' ', block));
        }
    }

    // A sentence ends before a capital or a mark; an id behind the full stop belongs to what it follows.
    private static IEnumerable<string> Split(string block)
    {
        var parts = SentenceEnd().Split(block).Where(part => part.Length > 0).ToList();
        for (var i = 0; i < parts.Count; i++)
        {
            var text = parts[i];
            while (i + 1 < parts.Count && LeadingIds().Match(parts[i + 1]) is { Success: true } leading)
            {
                text += " " + leading.Value.Trim();
                parts[i + 1] = parts[i + 1][leading.Length..];
                if (parts[i + 1].Length > 0)
                {
                    break;
                }

                i++;
            }

            yield return text;
        }
    }

    [GeneratedRegex(@"^# Implementation Status[^\n]*\n((?!# )[^\n]*\n)*?Not implemented:\n:\s+(?<text>([^\n]+\n)+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex NotImplementedEntry();

    [GeneratedRegex(@"[.;]\s+", RegexOptions.ExplicitCapture)]
    private static partial Regex PartEnd();

    [GeneratedRegex(@"\((?<id>R-[A-Z0-9]+-[0-9]+)\)", RegexOptions.ExplicitCapture)]
    private static partial Regex Id();

    [GeneratedRegex(@"\b(MUST(\s+NOT)?|SHALL(\s+NOT)?|SHOULD(\s+NOT)?|REQUIRED|NOT\s+RECOMMENDED|RECOMMENDED|MAY|OPTIONAL)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex KeyWord();

    [GeneratedRegex(@"(?<=[a-z0-9_)`""}\]*][.!?]""?)(?<!\b(e\.g|i\.e|cf|etc|vs)\.)\s+(?=[A-Z(\[`""{*@])", RegexOptions.ExplicitCapture)]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"^(\(R-[A-Z0-9]+-[0-9]+\)[.;,]?\s*)+", RegexOptions.ExplicitCapture)]
    private static partial Regex LeadingIds();

    [GeneratedRegex(@"^([*+-]\s|\d+\.\s|\||:\s|\[\^)", RegexOptions.ExplicitCapture)]
    private static partial Regex NewBlock();

    [GeneratedRegex(@"^([*+:-]|\d+\.)\s+", RegexOptions.ExplicitCapture)]
    private static partial Regex Marker();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"\s+(?=[.,;:])")]
    private static partial Regex SpaceBeforeMark();
}
