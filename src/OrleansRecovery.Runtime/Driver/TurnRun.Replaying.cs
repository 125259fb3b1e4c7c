using System.Runtime.ExceptionServices;
using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Runtime.Driver;

/// <content>A turn that is run from its record alone: what it asks for must be what stands there.</content>
internal sealed partial class TurnRun
{
    private const int ShownLengthMax = 200;

    private ReplayAudit? _audit;
    private SequenceNumber? _at;

    private bool TryTake<T>(string what, out T record, out SequenceNumber position)
        where T : AgentEvent
    {
        record = null!;
        position = default;
        RefuseWhileActing(what);
        ThrowIfOver(what);
        if (!_recorded.HasMore)
        {
            return _replayOnly ? throw Deviates($"asked for {what}", "nothing more") : false;
        }

        position = _recorded.NextPosition;
        var next = _recorded.TakeNext();
        _at = position;
        _audit?.Took();
        Check(next is T, $"asked for {what}", $"{next.Kind}");
        record = (T)next;
        _interval = _recorded.IntervalAfter(position) ?? _interval;
        return true;
    }

    private void ThrowIfOver(string what)
    {
        if (_isOver || _isCut)
        {
            throw _task is null ? new TurnStoppedException() : new StepRefusedException(what, GateRefusal.StaleLease, "the turn of the task is over");
        }

        if (IsStopped)
        {
            throw new TurnStoppedException();
        }

        ThrowIfFaulted();
    }

    // What happens in there is recorded by its result alone: a replay, which reads the result, would find a step that nobody asks for.
    private void RefuseWhileActing(string what)
    {
        if (RunningTurn.Current is { IsActing: true } running && running.IsOf(this))
        {
            throw RunningTurn.Untracked(
                $"{Agent} asks for {what} inside an action, a recorded value or the verification of a result.", "Ask for it in the handler, before or after.");
        }
    }

    private void ThrowIfFaulted()
    {
        if (_fault is RecoveryException refused)
        {
            throw new RecoveryException(refused.Error);
        }

        if (_fault is { } fault)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }

    private void Check(bool repeated, string came, string recorded)
    {
        if (!repeated)
        {
            throw Deviates(came, recorded);
        }
    }

    /// <summary>What it did stands beside what is recorded at the last place that it came to; an audit keeps the first of them, whatever the handler makes of the error.</summary>
    internal RecoveryException Deviates(string came, string recorded)
    {
        _audit?.Found(Deviation($"it {came}", recorded));
        return _driver.NonDeterministic(_message, $"it {came}, and {recorded} was recorded");
    }

    internal ReplayDeviation Deviation(string came, string recorded) => new(Interval, _message.Id, _message.Type, _at, recorded, came);

    internal RecoveryException DeviatesAtEnd(SequenceNumber position, byte[] state, string recorded)
    {
        _at = position;
        var came = AgentJson.Digest(state);
        _audit?.Found(Deviation($"it ended with the state {Shown(JsonElement.Parse(state))}, whose digest is {came}", $"a state with the digest {recorded}"));
        return _driver.NonDeterministic(_message, $"the state's digest is {came}, and {recorded} was recorded");
    }

    // What handlers of a later build send may say more than what stands in the journal, and an agent is loaded all the same. An audit looks at all of it.
    private void CheckContent(string came, JsonElement recorded, Func<JsonElement> repeat)
    {
        if (_audit is not null && repeat() is var repeated && !JsonElement.DeepEquals(recorded, repeated))
        {
            throw Deviates($"{came} {Shown(repeated)}", Shown(recorded));
        }
    }

    // No exception that is kept: a handler that ended without waiting for the response is repeated by one that does not wait either.
    private void ThrowIfWithoutResponse()
    {
        ThrowIfOver("a response");
        if (_replayOnly)
        {
            throw _driver.NonDeterministic(_message, "it waited for a response, and none was recorded");
        }
    }

    internal static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return $"{(text.Length > ShownLengthMax ? text[..ShownLengthMax] + "..." : text)} (SHA-256 {ContentChecks.ChecksumOf(value)[..12]})";
    }
}

/// <summary>What a replay counts, and the first deviation that it found.</summary>
internal sealed class ReplayAudit
{
    private long _steps;
    private ReplayDeviation? _first;

    internal long Steps => Interlocked.Read(ref _steps);

    internal ReplayDeviation? First => Volatile.Read(ref _first);

    internal void Took() => Interlocked.Increment(ref _steps);

    internal void Found(ReplayDeviation deviation) => Interlocked.CompareExchange(ref _first, deviation, null);
}
