using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Cli.Import;

/// <summary>One step of a recorded run.</summary>
/// <param name="Index">Its place; a step reads only steps before it.</param>
/// <param name="Name">For people, and for <c>--fail</c>.</param>
/// <param name="Speaker">Who did it, as the record says.</param>
/// <param name="Agent">The agent that plays it: the speaker, or one of its instances where it keeps nothing between its steps.</param>
/// <param name="Reads">The steps whose output it used.</param>
/// <param name="Class">What can be done about what it did.</param>
public sealed record RecordedStep(int Index, string Name, string Speaker, AgentId Agent, IReadOnlyList<int> Reads, ActionClass Class);

/// <summary>A recorded run of cooperating agents, whatever format it came in.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Steps">Its steps.</param>
/// <param name="Failed">The step that failed, or null when the record does not say.</param>
public sealed record RecordedRun(string Name, IReadOnlyList<RecordedStep> Steps, int? Failed)
{
    /// <summary>
    /// Builds a run: a speaker whose step follows its own step before is one agent with a memory; one that keeps nothing is an agent for each step.
    /// </summary>
    /// <param name="name">The run's name.</param>
    /// <param name="steps">Speaker, name and class of each step.</param>
    /// <param name="edges">Pairs of steps: the second used the first.</param>
    /// <param name="failed">The step that failed, or null.</param>
    public static RecordedRun Of(
        string name, IReadOnlyList<(string Speaker, string Name, ActionClass Class)> steps, IEnumerable<(int From, int To)> edges, int? failed)
    {
        var reads = steps.Select(_ => new SortedSet<int>()).ToArray();
        foreach (var (from, to) in edges)
        {
            if (from < 0 || to >= steps.Count || from >= to)
            {
                throw Bad($"The dependency {from} -> {to} of '{name}' does not go from an earlier step to a later one of {steps.Count}.");
            }

            reads[to].Add(from);
        }

        var agents = new AgentId[steps.Count];
        var latest = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < steps.Count; i++)
        {
            var speaker = TermText.Normalize(steps[i].Speaker);
            var follows = latest.TryGetValue(speaker, out var before) && reads[i].Contains(before);
            agents[i] = follows ? agents[before] : AgentId.Parse(TermText.Normalize(latest.ContainsKey(speaker) ? $"{speaker}~{i}" : speaker));
            latest[speaker] = i;
        }

        return new RecordedRun(
            name,
            [.. steps.Select((step, i) => new RecordedStep(i, step.Name, step.Speaker, agents[i], [.. reads[i]], step.Class))],
            failed is null || (failed >= 0 && failed < steps.Count) ? failed : throw Bad($"'{name}' names step {failed} as failed, and has {steps.Count}."));
    }

    /// <summary>The step that <c>--fail</c> names: by its name, or by its place.</summary>
    /// <exception cref="RecoveryException"><c>BadImport</c>: there is no such step.</exception>
    public int StepOf(string named)
    {
        var found = Steps.FirstOrDefault(step => step.Name == named);
        return found?.Index
            ?? (int.TryParse(named, System.Globalization.CultureInfo.InvariantCulture, out var index) && index >= 0 && index < Steps.Count
                ? index
                : throw Bad($"'{Name}' has no step '{named}'."));
    }

    internal static RecoveryException Bad(string cause, Exception? inner = null) => RecoveryException.Of(
        RecoveryErrorCode.BadImport, cause, "Nothing was replayed.", "Check --format and the file: who-and-when, wfcommons (WfFormat 1.5) or jsonl.", inner);
}
