using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Cli.Import;

/// <summary>Reads recorded runs from the formats that others publish.</summary>
public static class Importer
{
    /// <summary>The runs in a file: one, or one for each line of <c>jsonl</c>.</summary>
    /// <exception cref="RecoveryException"><c>BadImport</c>.</exception>
    public static IReadOnlyList<RecordedRun> Read(string path, string format)
    {
        if (!File.Exists(path))
        {
            throw RecordedRun.Bad($"There is no file {path}.");
        }

        return Parse(Path.GetFileNameWithoutExtension(path), File.ReadAllText(path), format);
    }

    /// <summary>The same, of a text.</summary>
    /// <param name="name">What a run is called that does not say it itself.</param>
    /// <param name="text">What stands in the file.</param>
    /// <param name="format">How.</param>
    /// <exception cref="RecoveryException"><c>BadImport</c>.</exception>
    public static IReadOnlyList<RecordedRun> Parse(string name, string text, string format) => format switch
    {
        "who-and-when" => [Parse(text, json => WhoAndWhen(name, json))],
        "wfcommons" => [Parse(text, json => WfCommons(name, json))],
        "jsonl" => [.. text.Split('\n').Where(line => !string.IsNullOrWhiteSpace(line)).Select(line => Parse(line, Collected))],
        _ => throw RecordedRun.Bad($"'{format}' is no format."),
    };

    /// <summary>A run in Who&amp;When's own JSON: <c>history</c> with <c>name</c> or <c>role</c>, and <c>mistake_step</c>.</summary>
    public static RecordedRun WhoAndWhen(string name, JsonElement json)
    {
        var history = json.GetProperty("history").EnumerateArray().ToList();
        var steps = history.Select(step => (Speaker: SpeakerOf(step), Name: string.Empty, Class: ActionClass.Compensatable)).ToList();
        var edges = new List<(int From, int To)>();
        var latest = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < steps.Count; i++)
        {
            var speaker = steps[i].Speaker;
            var runsCode = speaker.Contains("terminal", StringComparison.OrdinalIgnoreCase);
            var since = latest.TryGetValue(speaker, out var own) ? own : 0;

            // A terminal runs what stands right before it; everybody else has read the conversation since he spoke last, and remembers.
            var first = runsCode ? Math.Max(0, i - 1) : since;
            edges.AddRange(Enumerable.Range(first, i - first).Select(read => (read, i)));
            latest[speaker] = i;
        }

        int? failed = json.TryGetProperty("mistake_step", out var mistake) ? IntegerOf(mistake) : null;
        return RecordedRun.Of(name, [.. steps.Select((step, i) => (step.Speaker, $"{i}", step.Class))], edges, failed);
    }

    /// <summary>A workflow in WfCommons' WfFormat: <c>workflow.specification.tasks</c> with <c>id</c> and <c>parents</c>.</summary>
    public static RecordedRun WfCommons(string name, JsonElement json)
    {
        var workflow = json.GetProperty("workflow");
        var tasks = (workflow.TryGetProperty("specification", out var specification) ? specification : workflow).GetProperty("tasks").EnumerateArray()
            .ToDictionary(IdOf, task => task.GetProperty("parents").EnumerateArray().Select(TextOf).ToList(), StringComparer.Ordinal);
        var order = Sorted(name, tasks);
        var places = order.Select((id, i) => (id, i)).ToDictionary(item => item.id, item => item.i, StringComparer.Ordinal);
        return RecordedRun.Of(
            json.TryGetProperty("name", out var title) ? title.GetString() ?? name : name,
            [.. order.Select(id => (id, id, ActionClass.Compensatable))],
            order.SelectMany(id => tasks[id].Select(parent => (places[parent], places[id]))),
            null);
    }

    /// <summary>
    /// A line of a collection: <c>steps</c> with <c>agent</c>, or <c>tasks</c> with <c>id</c>; <c>edges</c> as pairs; <c>mistake_step</c> or
    /// <c>root_cause.step</c>; and <c>writes_done</c> as [step, name, reversible | one_shot | irreversible].
    /// </summary>
    public static RecordedRun Collected(JsonElement json)
    {
        var name = TextOf(json.GetProperty("id"));
        var writes = json.TryGetProperty("writes_done", out var done)
            ? done.EnumerateArray().ToDictionary(write => write[0].GetInt32(), write => write[2].GetString())
            : [];
        var steps = json.TryGetProperty("steps", out var recorded)
            ? recorded.EnumerateArray().Select((step, i) => (TextOf(step.GetProperty("agent")), $"{i}", ClassOf(writes, i))).ToList()
            : json.GetProperty("tasks").EnumerateArray().Select(task => (TextOf(task.GetProperty("id")), TextOf(task.GetProperty("id")), ActionClass.Compensatable)).ToList();
        int? failed = json.TryGetProperty("mistake_step", out var mistake) ? IntegerOf(mistake)
            : json.TryGetProperty("root_cause", out var cause) && cause.ValueKind == JsonValueKind.Object ? cause.GetProperty("step").GetInt32()
            : null;
        var edges = json.GetProperty("edges").EnumerateArray().Select(edge => (edge[0].GetInt32(), edge[1].GetInt32()));
        return RecordedRun.Of(name, steps, edges, failed);
    }

    private static RecordedRun Parse(string text, Func<JsonElement, RecordedRun> read)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return read(document.RootElement);
        }
        catch (Exception malformed) when (malformed is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException or IndexOutOfRangeException)
        {
            throw RecordedRun.Bad($"It is not in the format: {malformed.Message}", malformed);
        }
    }

    private static ActionClass ClassOf(Dictionary<int, string?> writes, int step) => writes.GetValueOrDefault(step) switch
    {
        "one_shot" or "irreversible" => ActionClass.Irrevocable,
        _ => ActionClass.Compensatable,
    };

    private static string SpeakerOf(JsonElement step)
    {
        var text = step.TryGetProperty("name", out var name) ? name.GetString() : step.GetProperty("role").GetString();

        // Magentic-One writes "Orchestrator (-> WebSurfer)" and "Orchestrator (thought)": one speaker.
        return string.IsNullOrWhiteSpace(text) ? "unknown" : text.Split('(')[0].Trim();
    }

    private static int IntegerOf(JsonElement value) => value.ValueKind == JsonValueKind.Number
        ? value.GetInt32()
        : int.Parse(TextOf(value), System.Globalization.CultureInfo.InvariantCulture);

    private static string IdOf(JsonElement task) => TextOf(task.TryGetProperty("id", out var id) ? id : task.GetProperty("name"));

    private static string TextOf(JsonElement value) => value.GetString() ?? throw new FormatException("There is null where a text belongs.");

    private static List<string> Sorted(string name, Dictionary<string, List<string>> tasks)
    {
        var unknown = tasks.Values.SelectMany(parents => parents).FirstOrDefault(parent => !tasks.ContainsKey(parent));
        if (unknown is not null)
        {
            throw RecordedRun.Bad($"A task of '{name}' has the parent '{unknown}', which is no task.");
        }

        var left = tasks.ToDictionary(task => task.Key, task => task.Value.Count, StringComparer.Ordinal);
        var children = tasks.SelectMany(task => task.Value.Select(parent => (parent, task.Key))).ToLookup(edge => edge.parent, edge => edge.Key, StringComparer.Ordinal);
        var ready = new Queue<string>(left.Where(task => task.Value == 0).Select(task => task.Key));
        var order = new List<string>(tasks.Count);
        while (ready.TryDequeue(out var task))
        {
            order.Add(task);
            foreach (var child in children[task])
            {
                if (--left[child] == 0)
                {
                    ready.Enqueue(child);
                }
            }
        }

        return order.Count == tasks.Count ? order : throw RecordedRun.Bad($"The tasks of '{name}' depend on each other in a cycle.");
    }
}
