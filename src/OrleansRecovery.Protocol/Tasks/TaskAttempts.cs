using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>How an attempt at a task ended.</summary>
[JsonConverter(typeof(WireNameConverter<AttemptResult>))]
public enum AttemptResult
{
    /// <summary>With an answer.</summary>
    Answered,

    /// <summary>It broke off, or ran out of its time; what it had saved by then is as good as it was.</summary>
    BrokenOff,

    /// <summary>It showed no sign of life for longer than its limit.</summary>
    Silent,

    /// <summary>It was found wrong: nothing that it saved is to be relied upon.</summary>
    Wrong,
}

/// <summary>What a worker records at the end of an attempt; a pure step of its own, that no replay asks for.</summary>
/// <param name="Task">The task.</param>
/// <param name="Type">The name of the message's type.</param>
/// <param name="Result">How it ended.</param>
/// <param name="SilenceMilliseconds">The longest time between two signs of life, of one and the next or the end.</param>
public sealed record AttemptEnd(MessageId Task, string Type, AttemptResult Result, long SilenceMilliseconds)
{
    /// <summary>The name of the step.</summary>
    public const string StepName = "@attempt";
}

/// <summary>What a worker records when it saves a partial artifact.</summary>
/// <param name="Task">The task.</param>
/// <param name="Artifact">The artifact.</param>
public sealed record SavedArtifact(MessageId Task, TaskAttachment Artifact)
{
    /// <summary>The name of the step.</summary>
    public const string StepName = "@saved";

    /// <summary>Largest artifact, in bytes.</summary>
    public const int BytesMax = 256 << 10;

    /// <summary>So many artifacts, the first by name, an attempt is given of those before it.</summary>
    public const int CountMax = 16;
}

/// <summary>
/// An agent's attempts at tasks: how long it was silent in them, and which partial artifacts the next attempt may go on from. Part of the fold of its journal,
/// undone work included.
/// </summary>
public sealed class TaskAttempts
{
    private readonly Dictionary<string, SilenceWindow> _silences = new(StringComparer.Ordinal);
    private readonly Dictionary<MessageId, SortedDictionary<string, SequenceNumber>> _saving = [];
    private readonly Dictionary<MessageId, SortedDictionary<string, SequenceNumber>> _left = [];
    private readonly List<(SequenceNumber Position, MessageId Task)> _answered = [];

    /// <summary>What was measured of the tasks of a type.</summary>
    public SilenceWindow SilencesOf(string type) => _silences.GetValueOrDefault(type, SilenceWindow.Empty);

    /// <summary>Where the newest artifact of each name stands that earlier attempts at a task have left, by name.</summary>
    public IReadOnlyList<SequenceNumber> LeftOf(MessageId task) => _left.TryGetValue(task, out var left) ? [.. left.Values] : [];

    internal void Save(SequenceNumber position, SavedArtifact saved) => Of(_saving, saved.Task)[saved.Artifact.Name] = position;

    internal void End(SequenceNumber position, AttemptEnd end)
    {
        _silences[end.Type] = SilencesOf(end.Type).With(position, end.SilenceMilliseconds, end.Result == AttemptResult.Silent);
        _saving.Remove(end.Task, out var saved);
        switch (end.Result)
        {
            case AttemptResult.Answered:
                _answered.Add((position, end.Task));
                break;
            case AttemptResult.BrokenOff:
            case AttemptResult.Silent:
                foreach (var (name, at) in saved ?? [])
                {
                    Of(_left, end.Task)[name] = at;
                }

                break;
            case AttemptResult.Wrong:
                _left.Remove(end.Task);
                break;
        }
    }

    // What is undone and did not say itself that it broke off was found wrong by others, and with it whatever its answer came from.
    internal void Undo(SequenceNumber from)
    {
        foreach (var (_, task) in _answered.Where(answered => answered.Position >= from))
        {
            _left.Remove(task);
        }

        _answered.RemoveAll(answered => answered.Position >= from);
        Drop(_saving, position => position >= from);
    }

    internal void Collect(SequenceNumber from)
    {
        foreach (var (type, silences) in _silences.ToList())
        {
            _silences[type] = silences.From(from);
        }

        _answered.RemoveAll(answered => answered.Position < from);
        Drop(_saving, position => position < from);
        Drop(_left, position => position < from);
    }

    private static SortedDictionary<string, SequenceNumber> Of(Dictionary<MessageId, SortedDictionary<string, SequenceNumber>> artifacts, MessageId task) =>
        artifacts.TryGetValue(task, out var known) ? known : artifacts[task] = new(StringComparer.Ordinal);

    private static void Drop(Dictionary<MessageId, SortedDictionary<string, SequenceNumber>> artifacts, Func<SequenceNumber, bool> isGone)
    {
        foreach (var (task, saved) in artifacts.ToList())
        {
            foreach (var name in saved.Where(item => isGone(item.Value)).Select(item => item.Key).ToList())
            {
                saved.Remove(name);
            }

            if (saved.Count == 0)
            {
                artifacts.Remove(task);
            }
        }
    }
}
