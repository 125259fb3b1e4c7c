using System.Text.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>
/// What the records of one recovery may follow (recovery model, section 5, invariants 3 and 10): opened once, decided at most once and before anything is
/// compensated or restored, one outcome, and after it only what is said about residue. An outcome fits the decision: completed needs one, aborted none.
/// </summary>
internal sealed class RecoveryOrder
{
    private const string Aborted = "aborted";
    private const string WithResidue = "completed_with_residue";

    private readonly Dictionary<RecoveryId, Standing> _recoveries = [];

    /// <summary>Recoveries that have no outcome yet.</summary>
    internal IEnumerable<RecoveryId> Open => _recoveries.Where(recovery => recovery.Value.Result is null).Select(recovery => recovery.Key);

    /// <summary>What is wrong with the record at this point; null, and noted, when nothing is.</summary>
    internal string? FaultOf(RecoveryRecord record)
    {
        if (record.Recovery is not { } recovery)
        {
            return NeedsRecovery(record.Kind) ? "it names no recovery" : null;
        }

        var isKnown = _recoveries.TryGetValue(recovery, out var standing);
        if (record.Kind == RecoveryRecordKind.RecoveryOpened)
        {
            standing = new Standing(record.Execution, IsDecided: false, Result: null);
            return _recoveries.TryAdd(recovery, standing) ? null : $"recovery {recovery} is opened twice";
        }

        if (!isKnown)
        {
            return $"recovery {recovery} was not opened before";
        }

        if (record.Execution != standing.Execution)
        {
            return $"recovery {recovery} belongs to execution {standing.Execution}, and not to {record.Execution}";
        }

        if (standing.Result is not null)
        {
            return record.Kind != RecoveryRecordKind.ResidueHandled ? $"recovery {recovery} has its outcome already"
                : standing.Result != WithResidue ? $"recovery {recovery} left no residue"
                : null;
        }

        return Follow(record, recovery, standing);
    }

    private string? Follow(RecoveryRecord record, RecoveryId recovery, Standing standing)
    {
        switch (record.Kind)
        {
            case RecoveryRecordKind.CompensationSettled:
            case RecoveryRecordKind.Restored:
                return standing.IsDecided ? null : $"recovery {recovery} undoes before it has decided";
            case RecoveryRecordKind.Decided:
                _recoveries[recovery] = standing with { IsDecided = true };
                return standing.IsDecided ? $"recovery {recovery} decides twice" : null;
            case RecoveryRecordKind.ResidueHandled:
                return $"recovery {recovery} has no outcome yet, and so no residue";
            case RecoveryRecordKind.Outcome:
                var result = ResultOf(record.Body);
                _recoveries[recovery] = standing with { Result = result };
                return result is null ? $"the outcome of recovery {recovery} says no result"
                    : standing.IsDecided && result == Aborted ? $"recovery {recovery} has decided, and was not to be aborted"
                    : !standing.IsDecided && result != Aborted ? $"recovery {recovery} is {result} without a decision"
                    : null;
            default:
                return null;
        }
    }

    private static string? ResultOf(JsonElement body) =>
        body.TryGetProperty("result", out var result) && result.ValueKind == JsonValueKind.String ? result.GetString() : null;

    private static bool NeedsRecovery(RecoveryRecordKind kind) => kind is RecoveryRecordKind.RecoveryOpened or RecoveryRecordKind.Planned
        or RecoveryRecordKind.Voted or RecoveryRecordKind.Decided or RecoveryRecordKind.CompensationSettled or RecoveryRecordKind.Restored
        or RecoveryRecordKind.Escalated or RecoveryRecordKind.Outcome or RecoveryRecordKind.ResidueHandled;

    private readonly record struct Standing(ExecutionId? Execution, bool IsDecided, string? Result);
}
