using System.Text;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Repository.Tests;

namespace OrleansRecovery.Draft.Tests.Writers;

/// <summary>The values that stand on the wire for reasons, answers and results, with their meanings; classes, progress, strength and rulings are defined where the text speaks of them.</summary>
internal static class WireValues
{
    public static string Write()
    {
        var text = new StringBuilder(DraftText.Preface);
        Append<FailureReason>(text, "Why an interval cannot be trusted (`reason` of `failure_signal`)");
        Append<VoteKind>(text, "What a participant answers (`answer` of `vote`)");
        Append<RefusalReason>(text, "Why a participant cannot go back cleanly (`reason` in the `objections` of `vote`)");
        Append<AbortReason>(text, "Why a recovery ended with nothing changed (`reason` of `abort` and `outcome`)");
        Append<CompensationResult>(text, "How the compensation of an action ended (`result` of `compensated`)");
        Append<RecoveryResult>(text, "How a recovery ended (`result` of `outcome`)");
        Append<ResidueReason>(text, "Why something that fell is still there (`reason` in the `residue` of `outcome`)");
        Append<EscalationReason>(text, "What a recovery waits for an operator to decide (in recovery records)");
        return text.ToString();
    }

    private static void Append<TEnum>(StringBuilder text, string where)
        where TEnum : struct, Enum
    {
        text.Append(where).Append(":\n\n").Append(DraftText.Compact);
        foreach (var value in Enum.GetValues<TEnum>())
        {
            text.Append($"`{WireNames.Of(value)}`:\n: {Summaries.Of(value)}\n\n");
        }
    }
}
