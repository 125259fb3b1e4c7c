using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Driver;

/// <content>
/// Signs of life. Every record that a worker's handler makes is one, and every heartbeat. A worker that shows none for longer than its limit is cut off, as one whose
/// time is over is; waiting for others is no silence. Told by counting signs between two timers and not by a clock, which may jump.
/// </content>
internal sealed partial class TurnRun
{
    // Guarded by the buffer's lock.
    private long _signs;
    private long _lastSign;
    private TimeSpan _longestSilence;
    private long _silenceMax;

    // As it was recorded when the task was accepted, so that no later measurement moves it; otherwise as what was measured until now says.
    private long LimitSilence(long? recorded) =>
        _silenceMax = recorded ?? _driver.History.Attempts.SilencesOf(_task!.Request.Type).LimitBy(_driver.Setup.Policy.Silence);

    internal override void Heartbeat()
    {
        ThrowIfOver("a heartbeat");
        SignOfLife();
    }

    internal override async Task SaveAsync(string name, string mediaType, ReadOnlyMemory<byte> content)
    {
        var task = _task ?? throw new InvalidOperationException("An artifact is saved for a task, and the handled message is none.");
        if (content.Length > SavedArtifact.BytesMax)
        {
            throw new ArgumentException($"The artifact {name} has {content.Length} bytes, more than {SavedArtifact.BytesMax}.", nameof(content));
        }

        var saved = TaskJson.Write(new SavedArtifact(task.Id, new TaskAttachment(name, mediaType, content.ToArray(), ContentChecks.ChecksumOf(content.Span))));
        if (TryTake<ActionIntended>($"the saving of '{name}'", out var intended, out _))
        {
            Check(intended.Name == SavedArtifact.StepName, $"saved '{name}'", $"'{intended.Name}'");
            CheckContent($"saved '{name}' as", intended.Argument, () => saved);
            return;
        }

        ThrowIfOver($"the saving of '{name}'");
        BufferValue(SavedArtifact.StepName, saved, Nothing, succeeded: true);
        await FlushAsync();
    }

    internal override async Task<IReadOnlyList<TaskAttachment>> SavedAsync()
    {
        var task = _task ?? throw new InvalidOperationException("Artifacts are saved for a task, and the handled message is none.");
        return (IReadOnlyList<TaskAttachment>)(await RecordAsync(
            "@left", typeof(IReadOnlyList<TaskAttachment>), async token => await ReadLeftAsync(_driver.History.Attempts.LeftOf(task.Id), token), isGated: false))!;
    }

    private async Task<IReadOnlyList<TaskAttachment>> ReadLeftAsync(IReadOnlyList<SequenceNumber> positions, CancellationToken cancellationToken)
    {
        var left = new List<TaskAttachment>();
        foreach (var position in positions.Take(SavedArtifact.CountMax))
        {
            await foreach (var (_, record) in AgentJournal.ReadFromAsync(_driver.Setup.Journal, _driver.Setup.Stream, position, cancellationToken))
            {
                if (record is ActionIntended intended && TaskJson.TryReadSaved(intended.Argument) is { } saved)
                {
                    left.Add(saved.Artifact);
                }

                break;
            }
        }

        return left;
    }

    private void SignOfLife()
    {
        if (_task is null)
        {
            return;
        }

        lock (_buffer)
        {
            if (Volatile.Read(ref _waits) == 0 && !_isCut)
            {
                var silence = SinceLastSign();
                _longestSilence = silence > _longestSilence ? silence : _longestSilence;
            }

            _signs++;
            _lastSign = _driver.Setup.Time.GetTimestamp();
        }
    }

    private TimeSpan SinceLastSign() => _lastSign == 0 ? TimeSpan.Zero : _driver.Setup.Time.GetElapsedTime(_lastSign);

    // What others take is no silence of this agent.
    private async Task<T> WaitingAsync<T>(Func<Task<T>> wait)
    {
        SignOfLife();
        Interlocked.Increment(ref _waits);
        try
        {
            return await wait();
        }
        finally
        {
            SignOfLife();
            Interlocked.Decrement(ref _waits);
        }
    }

    // How long until its silence is over its limit, if it shows no sign of life until then.
    private (long Signs, TimeSpan Left) Silence()
    {
        lock (_buffer)
        {
            var max = TimeSpan.FromMilliseconds(_silenceMax);
            var left = Volatile.Read(ref _waits) > 0 ? max : max - SinceLastSign();
            return (_signs, left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1));
        }
    }

    private bool IsSilentSince(long signs)
    {
        lock (_buffer)
        {
            return _signs == signs && Volatile.Read(ref _waits) == 0;
        }
    }

    /// <summary>A handler of a task failed: how, for what its worker learns of it and what the next attempt is given.</summary>
    internal void NoteFailure(Exception failure)
    {
        if (_task is null || _lastSign == 0 || IsStopped)
        {
            return; // it has not begun, or others ended it
        }

        var result = failure switch
        {
            SilentException => AttemptResult.Silent,
            AgentFailureException or StepRefusedException { Refusal: not GateRefusal.TimedOut } => AttemptResult.Wrong,
            _ => AttemptResult.BrokenOff,
        };
        lock (_buffer)
        {
            var intent = new BufferedStep(new ActionIntended(AttemptEnd.StepName, ActionClass.Pure, Attempt(result), false, false));
            _buffer.Add(intent); // the turn is over, and takes nothing from its handler any more
            _buffer.Add(BufferedStep.OutcomeOf(intent, true, Nothing));
        }
    }

    private JsonElement Attempt(AttemptResult result)
    {
        SignOfLife();
        var silence = (long)Math.Ceiling(_longestSilence.TotalMilliseconds);
        return TaskJson.Write(new AttemptEnd(_task!.Id, _task.Request.Type, result, result == AttemptResult.Silent ? Math.Max(silence, _silenceMax) : silence));
    }
}
