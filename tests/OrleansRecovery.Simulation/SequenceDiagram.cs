using System.Text;
using System.Text.RegularExpressions;

namespace OrleansRecovery.Simulation;

/// <summary>What a run told, as a Mermaid sequence diagram: the messages of the protocol, what became durable, what was done outside, and what went wrong.</summary>
internal static partial class SequenceDiagram
{
    public static string Of(IReadOnlyList<string> lines)
    {
        var text = new StringBuilder("sequenceDiagram\n");
        foreach (var line in lines)
        {
            if (Sent().Match(line) is { Success: true } sent)
            {
                text.Append("    ").Append(sent.Groups["from"].Value).Append("->>").Append(sent.Groups["to"].Value).Append(": ").Append(sent.Groups["what"].Value).Append('\n');
            }
            else if (Written().Match(line) is { Success: true } written)
            {
                var what = Kind().Match(written.Groups["record"].Value);
                var stream = written.Groups["stream"].Value.TrimEnd();
                Note(text, written.Groups["by"].Value, $"{(stream.Length > 0 ? stream : "log")} {what.Groups["kind"].Value}");
            }
            else if (Other().Match(line) is { Success: true } other)
            {
                Note(text, "user", other.Groups["what"].Value.Replace(';', ','));
            }
        }

        return text.ToString();
    }

    private static void Note(StringBuilder text, string over, string what) => text.Append("    Note over ").Append(over).Append(": ").Append(what).Append('\n');

    [GeneratedRegex(@"^ *[\d.]+ (?<from>\w+) > (?<to>\w+): (?<what>(Prepare|Vote|Abort|Commit|Compensate|Compensated|Restore|Restored|Release|StatusQuery|signal|send)( \S+)?)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sent();

    [GeneratedRegex(@"^ *[\d.]+ (?<by>\w+) writes (Agent|Execution) (?<stream>[^{]*)(?<record>\{.*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Written();

    // The record's kind: an agent's event, an input of one of the machines, or the name of the record.
    [GeneratedRegex(@"^\{(""event"":""|""input"":\{""type"":""|""coordinator"":\{""recovery"":""[^""]*"",""input"":\{""type"":""|""coordinator"":\{""|"")(?<kind>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Kind();

    [GeneratedRegex(@"^ *[\d.]+ (?<what>(fault|do|undo|user sends|user signals|operator) .*|\w+ (ends|stands still))$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Other();
}
