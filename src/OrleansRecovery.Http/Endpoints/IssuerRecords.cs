using System.Text.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>Who signals, and what became of it.</summary>
/// <param name="Issuer">The issuer.</param>
/// <param name="Keys">How many of its keys verify.</param>
/// <param name="KeysGone">How many were retired or revoked.</param>
/// <param name="Accepted">Signals that were admitted.</param>
/// <param name="Refused">Signals that were refused.</param>
/// <param name="Recoveries">Recoveries that its signals opened.</param>
/// <param name="Aborted">How many of these ended with nothing changed: many of them, and its signals may be false.</param>
/// <param name="LastAt">When its last signal came, in milliseconds since 1970 UTC; null when none did.</param>
internal sealed record IssuerRecord(IssuerId Issuer, int Keys, int KeysGone, int Accepted, int Refused, int Recoveries, int Aborted, long? LastAt);

/// <summary>The fold of keys and ledger by issuer.</summary>
internal sealed class IssuerRecords
{
    private readonly SortedDictionary<IssuerId, IssuerRecord> _issuers = [];
    private readonly Dictionary<(ExecutionId?, string), IssuerId> _signals = [];
    private readonly Dictionary<RecoveryId, List<IssuerId>> _openedBy = [];

    internal IssuerRecords(IssuerKeys keys, long now)
    {
        foreach (var key in keys.All)
        {
            Change(key.Issuer, known => key.IsGood(now) ? known with { Keys = known.Keys + 1 } : known with { KeysGone = known.KeysGone + 1 });
        }
    }

    internal IReadOnlyList<IssuerRecord> All => [.. _issuers.Values];

    internal void Take(RecoveryRecord record)
    {
        if (record.Actor is { } issuer && record.Kind is RecoveryRecordKind.SignalAccepted or RecoveryRecordKind.SignalRefused)
        {
            TakeSignal(record, issuer);
        }
        else if (record is { Kind: RecoveryRecordKind.RecoveryOpened, Recovery: { } opened })
        {
            _openedBy[opened] = [.. SignalsOf(record.Body).Select(signal => (record.Execution, signal)).Where(_signals.ContainsKey).Select(signal => _signals[signal]).Distinct()];
            _openedBy[opened].ForEach(by => Change(by, known => known with { Recoveries = known.Recoveries + 1 }));
        }
        else if (record is { Kind: RecoveryRecordKind.Outcome, Recovery: { } ended } && record.Body.TryGetProperty("result", out var result) && result.ValueEquals("aborted"))
        {
            _openedBy.GetValueOrDefault(ended, []).ForEach(by => Change(by, known => known with { Aborted = known.Aborted + 1 }));
        }
    }

    private void TakeSignal(RecoveryRecord record, IssuerId issuer)
    {
        var isAccepted = record.Kind == RecoveryRecordKind.SignalAccepted;
        if (isAccepted && record.Body.TryGetProperty("signal", out var signal))
        {
            _signals[(record.Execution, signal.GetString()!)] = issuer;
        }

        Change(issuer, known => (isAccepted ? known with { Accepted = known.Accepted + 1 } : known with { Refused = known.Refused + 1 }) with { LastAt = record.At });
    }

    private static IEnumerable<string> SignalsOf(JsonElement body) =>
        body.TryGetProperty("signals", out var signals) ? signals.EnumerateArray().Select(signal => signal.GetString()!) : [];

    private void Change(IssuerId issuer, Func<IssuerRecord, IssuerRecord> change) =>
        _issuers[issuer] = change(_issuers.GetValueOrDefault(issuer) ?? new IssuerRecord(issuer, 0, 0, 0, 0, 0, 0, null));
}
