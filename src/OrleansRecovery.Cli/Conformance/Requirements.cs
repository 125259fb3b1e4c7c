using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansRecovery.Cli.Conformance;

/// <summary>A normative statement of the draft.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Section">The number of the section that it stands in.</param>
/// <param name="Level">MUST, SHOULD, ...</param>
/// <param name="Text">What it says.</param>
internal sealed record Requirement(string Id, string Section, string Level, string Text);

/// <summary>The normative statements, from the rendered draft that this build belongs to.</summary>
internal static partial class Requirements
{
    internal static IReadOnlyDictionary<string, Requirement> All { get; } = Read();

    private static Dictionary<string, Requirement> Read()
    {
        var sections = new Dictionary<string, string>(StringComparer.Ordinal);
        var section = "";
        foreach (var line in Resource("draft/draft.txt").ReadToEnd().Split('\n'))
        {
            section = Heading().Match(line) is { Success: true } heading ? heading.Groups["number"].Value : section;
            foreach (Match id in Id().Matches(line))
            {
                sections.TryAdd(id.Value, section); // a statement stands before what refers to it
            }
        }

        using var map = JsonDocument.Parse(Resource("draft/conformance.json").ReadToEnd());
        return map.RootElement.EnumerateObject().ToDictionary(
            entry => entry.Name,
            entry => new Requirement(entry.Name, sections.GetValueOrDefault(entry.Name, "?"), entry.Value.GetProperty("level").GetString()!, entry.Value.GetProperty("text").GetString()!),
            StringComparer.Ordinal);
    }

    private static StreamReader Resource(string name) => new(Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!);

    [GeneratedRegex(@"^(?<number>\d+(\.\d+)*)\.  \S", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Heading();

    [GeneratedRegex(@"R-[A-Z]+-\d+", RegexOptions.NonBacktracking)]
    private static partial Regex Id();
}
