using System.Text;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Ledger;

/// <summary>Heads that were published outside show what the chain alone cannot: a cut, and a second history.</summary>
public sealed class PublishedHeadTests : IDisposable
{
    private readonly LedgerScribe _scribe = new();

    public PublishedHeadTests()
    {
        _scribe.Recover("r1");
        _scribe.Recover("r2");
    }

    private List<PublishedHead> Published => [.. _scribe.Records.Select(PublishedHead.Of).OfType<PublishedHead>()];

    public void Dispose() => _scribe.Dispose();

    [Fact]
    public void A_ledger_agrees_with_all_its_published_heads_in_any_order_also_said_twice()
    {
        var heads = Published;

        Assert.Equal(2, heads.Count);
        Assert.Null(Verify(_scribe.Lines, [.. heads.AsEnumerable().Reverse(), heads[0]]));
    }

    [Fact]
    public void Whole_signed_batches_that_are_missing_at_the_end_are_missed()
    {
        var heads = Published;
        var cut = _scribe.Lines.Take(1 + 8).ToList();

        Assert.Null(LedgerScribe.Verify(cut).Fault); // the chain alone does not tell
        Assert.Equal((9, LedgerFaultKind.Truncated), Verify(cut, heads));
        Assert.Equal((0, LedgerFaultKind.Truncated), Verify([], heads));
    }

    [Fact]
    public void Two_histories_that_one_key_signed_are_told_apart()
    {
        var heads = Published;
        var other = LedgerScribe.Rehash(_scribe.Records.Take(9));
        Assert.Equal(_scribe.Lines.Take(9), other);

        // The key's holder writes the second recovery anew, and signs it.
        while (_scribe.Records.Count > 9)
        {
            _scribe.Cut();
        }

        _scribe.Recover("r9");

        Assert.Null(LedgerScribe.Verify(_scribe.Lines).Fault);
        Assert.Equal((heads[1].Position.Number, LedgerFaultKind.AnotherHistory), Verify(_scribe.Lines, heads));
    }

    [Fact]
    public void A_published_head_that_the_ledgers_keys_did_not_sign_is_told_apart_from_a_second_history()
    {
        var forged = Published[0] with { Covers = new string('a', 64) };

        Assert.Equal((forged.Position.Number, LedgerFaultKind.UntrustedHead), Verify(_scribe.Lines, [forged]));
        Assert.Equal((forged.Position.Number, LedgerFaultKind.UntrustedHead), Verify(_scribe.Lines, [Published[0] with { Tenant = TenantId.Parse("other") }]));
    }

    [Fact]
    public void A_head_is_read_as_it_was_written_and_nothing_else_is()
    {
        var head = Published[0];

        Assert.True(PublishedHead.TryRead(head.Write(), out var read, out _));
        Assert.Equal(head, read);
        foreach (var text in new[] { "", "{}", "null", "[]", "x", Encoding.UTF8.GetString(head.Write()).Replace("\"ver\"", "\"more\":1,\"ver\"", StringComparison.Ordinal) })
        {
            Assert.False(PublishedHead.TryRead(Encoding.UTF8.GetBytes(text), out _, out var error));
            Assert.Equal(RecoveryErrorCode.BadImport, error.Code);
        }

        Assert.False(PublishedHead.TryRead((head with { Ver = 2 }).Write(), out _, out var later));
        Assert.Equal(RecoveryErrorCode.UnknownVersion, later.Code);
    }

    private static (long Line, LedgerFaultKind Kind)? Verify(IEnumerable<byte[]> lines, IReadOnlyList<PublishedHead> heads) =>
        LedgerScribe.Verify(lines, new LedgerTrust(PublishedHeads: heads)).Fault is { } fault ? (fault.Line, fault.Kind) : null;
}
