using OrleansRecovery.Protocol.Ledger;

namespace OrleansRecovery.Protocol.Tests.Ledger;

/// <summary>What the records of one recovery may follow (recovery model, section 5, invariants 3 and 10).</summary>
public sealed class RecoveryOrderTests
{
    [Theory]
    [InlineData("opened planned voted decided compensated restored completed")]
    [InlineData("opened decided completed")]
    [InlineData("opened aborted")]
    [InlineData("opened escalated ruled aborted")]
    [InlineData("opened decided voted escalated ruled residue")]
    [InlineData("opened decided residue handled handled")]
    [InlineData("refused accepted exception")]
    public void A_recovery_goes_its_way(string story)
    {
        var verifier = Tell(story);

        Assert.Null(verifier.Fault);
        Assert.Empty(verifier.Open);
    }

    [Theory]
    [InlineData("opened opened", "is opened twice")]
    [InlineData("opened aborted opened", "is opened twice")]
    [InlineData("voted", "was not opened before")]
    [InlineData("decided", "was not opened before")]
    [InlineData("completed", "was not opened before")]
    [InlineData("opened compensated", "undoes before it has decided")]
    [InlineData("opened restored", "undoes before it has decided")]
    [InlineData("opened decided decided", "decides twice")]
    [InlineData("opened completed", "is completed without a decision")]
    [InlineData("opened residue", "is completed_with_residue without a decision")]
    [InlineData("opened decided aborted", "was not to be aborted")]
    [InlineData("opened decided silent", "says no result")]
    [InlineData("opened aborted aborted", "has its outcome already")]
    [InlineData("opened decided completed compensated", "has its outcome already")]
    [InlineData("opened decided completed ruled", "has its outcome already")]
    [InlineData("opened decided completed handled", "left no residue")]
    [InlineData("opened decided handled", "has no outcome yet")]
    [InlineData("opened elsewhere", "belongs to execution trip")]
    [InlineData("nameless", "names no recovery")]
    public void A_record_out_of_order_is_found_where_it_stands(string story, string expected)
    {
        var verifier = Tell(story);

        Assert.Equal(LedgerFaultKind.OutOfOrder, verifier.Fault!.Kind);
        Assert.Equal(story.Split(' ').Length, verifier.Fault.Line);
        Assert.Contains(expected, verifier.Fault.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Recoveries_do_not_disturb_each_other()
    {
        using var scribe = new LedgerScribe();
        scribe.Add(RecoveryRecordKind.RecoveryOpened, recovery: "r1");
        scribe.Add(RecoveryRecordKind.RecoveryOpened, recovery: "r2", execution: "other");
        scribe.Add(RecoveryRecordKind.Decided, recovery: "r1");
        scribe.Add(RecoveryRecordKind.Outcome, """{"result":"aborted"}""", "r2", "other");
        scribe.Add(RecoveryRecordKind.Outcome, """{"result":"completed"}""", "r1");

        Assert.Null(LedgerScribe.Verify(scribe.Lines).Fault);
    }

    private static LedgerVerifier Tell(string story)
    {
        using var scribe = new LedgerScribe();
        foreach (var word in story.Split(' '))
        {
            var (kind, result) = word switch
            {
                "accepted" => (RecoveryRecordKind.SignalAccepted, null),
                "refused" => (RecoveryRecordKind.SignalRefused, null),
                "exception" => (RecoveryRecordKind.PolicyException, null),
                "opened" => (RecoveryRecordKind.RecoveryOpened, null),
                "planned" or "elsewhere" or "nameless" => (RecoveryRecordKind.Planned, null),
                "voted" => (RecoveryRecordKind.Voted, null),
                "decided" => (RecoveryRecordKind.Decided, null),
                "compensated" => (RecoveryRecordKind.CompensationSettled, null),
                "restored" => (RecoveryRecordKind.Restored, null),
                "escalated" => (RecoveryRecordKind.Escalated, null),
                "ruled" => (RecoveryRecordKind.OperatorDecided, null),
                "completed" => (RecoveryRecordKind.Outcome, "completed"),
                "residue" => (RecoveryRecordKind.Outcome, "completed_with_residue"),
                "aborted" => (RecoveryRecordKind.Outcome, "aborted"),
                "silent" => (RecoveryRecordKind.Outcome, null),
                "handled" => (RecoveryRecordKind.ResidueHandled, (string?)null),
                _ => throw new ArgumentException(word, nameof(story)),
            };
            var isAlone = word is "accepted" or "refused" or "exception" or "nameless";
            scribe.Add(kind, result is null ? "{}" : $$"""{"result":"{{result}}"}""", isAlone ? null : "r1", word == "elsewhere" ? "other" : "trip");
        }

        return LedgerScribe.Verify(scribe.Lines);
    }
}
