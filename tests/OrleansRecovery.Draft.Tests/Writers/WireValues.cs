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
        var lines = new List<string>();
        Append<FailureReason>(lines, "Why an interval cannot be trusted (`reason` of `failure_signal`)");
        Append<VoteKind>(lines, "What a participant answers (`answer` of `vote`)");
        Append<RefusalReason>(lines, "Why a participant cannot go back cleanly (`reason` in the `objections` of `vote`)");
        Append<AbortReason>(lines, "Why a recovery ended with nothing changed (`reason` of `abort` and `outcome`)");
        Append<CompensationResult>(lines, "How the compensation of an action ended (`result` of `compensated`)");
        Append<RecoveryResult>(lines, "How a recovery ended (`result` of `outcome`)");
        Append<ResidueReason>(lines, "Why something that fell is still there (`reason` in the `residue` of `outcome`)");
        Append<EscalationReason>(lines, "What a recovery waits for an operator to decide (in recovery records)");
        var text = new StringBuilder(DraftText.Preface);
        DraftText.AppendListing(text, "", lines);
        return text.ToString();
    }

    private static void Append<TEnum>(List<string> lines, string where)
        where TEnum : struct, Enum
    {
        lines.AddRange(DraftText.Fill("", $"{where}:".Replace('`', '"').Split(' '), 2));
        foreach (var value in Enum.GetValues<TEnum>())
        {
            lines.AddRange(DraftText.Fill($"  {WireNames.Of(value)}: ", Summaries.Of(value).Replace('`', '"').Split(' '), 6));
        }
    }
}
