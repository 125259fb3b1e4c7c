using System.Collections.Immutable;
using System.Text.Json;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Objectives;

/// <summary>A time that a recovery waited for an operator.</summary>
/// <param name="Since">When it began to wait, in milliseconds since 1970 UTC.</param>
/// <param name="Until">When he decided, or it went on without him; null: it waits.</param>
public sealed record OperatorWait(long Since, long? Until = null);

/// <summary>When what happened to a recovery. All times in milliseconds since 1970 UTC.</summary>
/// <param name="Execution">Its execution.</param>
/// <param name="Recovery">The recovery.</param>
/// <param name="DetectedAt">When the failure was detected, as its first signal says.</param>
public sealed record RecoveryTime(ExecutionId Execution, RecoveryId Recovery, long DetectedAt)
{
    /// <summary>The durable outcome; null: it is open.</summary>
    public long? EndedAt { get; init; }

    /// <summary>How it ended, as the ledger writes it; null: it is open.</summary>
    public string? Result { get; init; }

    /// <summary>Why it was aborted; null: it was not.</summary>
    public AbortReason? AbortReason { get; init; }

    /// <summary>When it waited for an operator, in order.</summary>
    public ImmutableList<OperatorWait> Waits { get; init; } = [];

    internal RecoveryTime Waiting(long at) => this with { Waits = Waits.Add(new OperatorWait(at)) };

    internal RecoveryTime Answered(long at) => Waits is [.., { Until: null } last] ? this with { Waits = Waits.SetItem(Waits.Count - 1, last with { Until = at }) } : this;
}

/// <summary>
/// What a tenant's ledger says of when its recoveries began, waited and ended: the fold of it, and so the same after a restart and on every host. Immutable. What ended longer
/// ago than the longest window is forgotten.
/// </summary>
public sealed record RecoveryTimes
{
    /// <summary>Nothing was recorded yet.</summary>
    public static RecoveryTimes Empty { get; } = new();

    /// <summary>Those that are open, or ended not long ago.</summary>
    public ImmutableSortedDictionary<RecoveryId, RecoveryTime> Recoveries { get; private init; } = ImmutableSortedDictionary<RecoveryId, RecoveryTime>.Empty;

    // Signals that opened no recovery yet, and what ended, in the order of the ledger: both by when they may be forgotten.
    private ImmutableDictionary<string, long> Detected { get; init; } = ImmutableDictionary<string, long>.Empty;

    private ImmutableQueue<(long At, string Signal)> Signals { get; init; } = [];

    private ImmutableQueue<(long At, RecoveryId Recovery)> Ended { get; init; } = [];

    /// <summary>Takes the next record of the ledger.</summary>
    public RecoveryTimes With(RecoveryRecord record)
    {
        switch (record.Kind)
        {
            case RecoveryRecordKind.SignalAccepted when LedgerBody.Text(record.Body, "signal") is { } signal:
                return (this with { Detected = Detected.SetItem(signal, DetectedAt(record)), Signals = Signals.Enqueue((record.At, signal)) }).Forgetting(record.At);
            case RecoveryRecordKind.RecoveryOpened when record is { Recovery: { } opened, Execution: { } execution }:
                var first = LedgerBody.Texts(record.Body, "signals").FirstOrDefault();
                var detected = first is not null && Detected.TryGetValue(first, out var at) ? at : record.At;
                return Put(new RecoveryTime(execution, opened, detected));
            case RecoveryRecordKind.Escalated:
                return Change(record, recovery => recovery.Answered(record.At).Waiting(record.At));
            case RecoveryRecordKind.OperatorDecided or RecoveryRecordKind.Decided:
                return Change(record, recovery => recovery.Answered(record.At));
            case RecoveryRecordKind.Outcome when record.Recovery is { } ended:
                return Change(record, recovery => recovery.Answered(record.At) with
                {
                    EndedAt = record.At,
                    Result = LedgerBody.Text(record.Body, "result"),
                    AbortReason = WireNames.TryParse<AbortReason>(LedgerBody.Text(record.Body, "reason"), out var reason) ? reason : null,
                }) with
                {
                    Ended = Ended.Enqueue((record.At, ended)),
                };
            default:
                return this;
        }
    }

    private RecoveryTimes Put(RecoveryTime recovery) => this with { Recoveries = Recoveries.SetItem(recovery.Recovery, recovery) };

    // A ledger that begins in the middle tells of recoveries that it did not see open.
    private RecoveryTimes Change(RecoveryRecord record, Func<RecoveryTime, RecoveryTime> change) =>
        record.Recovery is { } named && Recoveries.TryGetValue(named, out var recovery) ? Put(change(recovery)) : this;

    private RecoveryTimes Forgetting(long now)
    {
        var times = this;
        var before = now - ((ServiceObjective.WindowDaysMax + 1) * (long)TimeSpan.MillisecondsPerDay);
        while (!times.Signals.IsEmpty && times.Signals.Peek() is var signal && signal.At < before)
        {
            times = times with { Signals = times.Signals.Dequeue(), Detected = times.Detected.Remove(signal.Signal) };
        }

        while (!times.Ended.IsEmpty && times.Ended.Peek() is var ended && ended.At < before)
        {
            times = times with { Ended = times.Ended.Dequeue(), Recoveries = times.Recoveries.Remove(ended.Recovery) };
        }

        return times;
    }

    private static long DetectedAt(RecoveryRecord record) =>
        record.Body.TryGetProperty("detected_at", out var at) && at.ValueKind == JsonValueKind.Number && at.TryGetInt64(out var detected) ? detected : record.At;
}
