using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansRecovery.Draft.Tests.Normative;

/// <summary>
/// What <c>draft/conformance.json</c> says of each normative statement: its level and text, as in the draft, and the tests of it, or why nothing can
/// test it, or which part that the draft calls not implemented it belongs to, or what is missing.
/// </summary>
internal static class ConformanceMap
{
    private const string Level = "level";
    private const string Text = "text";
    private static readonly string[] Answers = ["tests", "untestable", "unimplemented", "missing"];

    /// <summary>What is wrong with the draft and the map, one finding a line.</summary>
    /// <param name="draft">The sentences of the draft.</param>
    /// <param name="map">The map.</param>
    /// <param name="tests">The tests that there are.</param>
    /// <param name="notImplemented">The parts that the draft says are not implemented.</param>
    public static IReadOnlyList<string> Faults(IReadOnlyList<Sentence> draft, JsonObject map, IReadOnlySet<string> tests, IReadOnlySet<string> notImplemented)
    {
        var faults = new List<string>();
        faults.AddRange(draft.Where(sentence => sentence.IsNormative && sentence.Ids.Count == 0)
            .Select(sentence => $"line {sentence.Line}: {string.Join(" and ", sentence.Words)} without an id: {sentence.Text}"));
        foreach (var twice in draft.Where(sentence => sentence.IsNormative).SelectMany(sentence => sentence.Ids).GroupBy(id => id, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            faults.Add($"{twice.Key}: stands at {twice.Count()} statements");
        }

        var statements = Statements(draft);
        var named = draft.SelectMany(sentence => sentence.Ids).ToHashSet(StringComparer.Ordinal);
        faults.AddRange(named.Where(id => !statements.ContainsKey(id)).Select(id => $"{id}: is named, and no statement has it"));
        faults.AddRange(statements.Keys.Where(id => !map.ContainsKey(id)).Select(id => $"{id}: has no entry in the map"));
        faults.AddRange(map.Where(entry => !statements.ContainsKey(entry.Key)).Select(entry => $"{entry.Key}: has an entry in the map, and is not in the draft"));
        foreach (var (id, entry) in map.Where(entry => statements.ContainsKey(entry.Key)))
        {
            faults.AddRange((entry is JsonObject members ? EntryFaults(statements[id], members, tests, notImplemented) : ["is no object"]).Select(fault => $"{id}: {fault}"));
        }

        return faults;
    }

    /// <summary>The map with the draft's ids, levels and texts. What it says of tests is kept; a new statement says that its test is missing.</summary>
    public static string Updated(IReadOnlyList<Sentence> draft, JsonObject map)
    {
        var updated = new JsonObject(Statements(draft).OrderBy(item => Sortable(item.Key), StringComparer.Ordinal).Select(item =>
        {
            var entry = new JsonObject { [Level] = item.Value.Words[0], [Text] = item.Value.Text };
            var known = map[item.Key] as JsonObject ?? new JsonObject { ["missing"] = "no test names it yet" };
            foreach (var (name, value) in known.Where(member => member.Key is not (Level or Text)))
            {
                entry[name] = value?.DeepClone();
            }

            return KeyValuePair.Create(item.Key, (JsonNode?)entry);
        }));
        return updated.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
    }

    private static Dictionary<string, Sentence> Statements(IReadOnlyList<Sentence> draft) => draft.Where(sentence => sentence.IsNormative)
        .SelectMany(sentence => sentence.Ids.Select(id => (id, sentence)))
        .DistinctBy(item => item.id, StringComparer.Ordinal)
        .ToDictionary(item => item.id, item => item.sentence, StringComparer.Ordinal);

    private static IEnumerable<string> EntryFaults(
        Sentence statement, JsonObject entry, IReadOnlySet<string> tests, IReadOnlySet<string> notImplemented)
    {
        var level = TextOf(entry[Level]);
        if (level is null || !statement.Words.Contains(level, StringComparer.Ordinal))
        {
            yield return $"the level is '{level}', and the draft says {string.Join(" and ", statement.Words)}";
        }

        if (TextOf(entry[Text]) != statement.Text)
        {
            yield return $"the text is not the draft's: {statement.Text}";
        }

        var answers = entry.Select(member => member.Key).Where(name => name is not (Level or Text)).ToList();
        if (answers is not [var answer] || !Answers.Contains(answer, StringComparer.Ordinal))
        {
            yield return $"says {(answers.Count == 0 ? "nothing" : string.Join(" and ", answers))}; it must say one of {string.Join(", ", Answers)}";
            yield break;
        }

        if (answer == "unimplemented")
        {
            var members = entry[answer] as JsonObject;
            var part = TextOf(members?["part"]);
            if (part is null || !notImplemented.Contains(part))
            {
                yield return $"the draft does not say that '{part}' is not implemented; it says so of {string.Join("; ", notImplemented)}";
            }

            if (string.IsNullOrWhiteSpace(TextOf(members?["test"])))
            {
                yield return "unimplemented does not say what its test will be";
            }

            yield break;
        }

        if (answer != "tests")
        {
            if (string.IsNullOrWhiteSpace(TextOf(entry[answer])))
            {
                yield return $"{answer} gives no reason";
            }
            else if (answer == "missing" && statement.Words.Any(word => word is "MUST" or "MUST NOT" or "SHALL" or "SHALL NOT" or "REQUIRED"))
            {
                yield return "is required, and has neither a test nor a reason why nothing can test it";
            }

            yield break;
        }

        var names = entry["tests"] is JsonArray list ? list.Select(TextOf).ToList() : [];
        if (names.Count == 0)
        {
            yield return "has an empty list of tests";
        }

        foreach (var name in names.Where(name => name is null || !tests.Contains(name)))
        {
            yield return $"there is no test '{name}'";
        }
    }

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    /// <summary>An id as it sorts: R-PREP-10 after R-PREP-9.</summary>
    public static string Sortable(string id) => $"{id[..id.LastIndexOf('-')]} {int.Parse(id[(id.LastIndexOf('-') + 1)..], System.Globalization.CultureInfo.InvariantCulture):00000}";
}
