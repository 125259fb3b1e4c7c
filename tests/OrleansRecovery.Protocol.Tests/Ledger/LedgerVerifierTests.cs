using System.Text;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Ledger;

public sealed class LedgerVerifierTests : IDisposable
{
    private readonly LedgerScribe _scribe = new();

    public void Dispose() => _scribe.Dispose();

    [Fact]
    public void A_ledger_of_recoveries_is_sound_and_leaves_nothing_open()
    {
        _scribe.Recover("r1");
        _scribe.Recover("r2");

        var verifier = LedgerScribe.Verify(_scribe.Lines);

        Assert.Null(verifier.Fault);
        Assert.Equal(_scribe.Lines.Count, verifier.SoundCount);
        Assert.Equal(0, verifier.UnsignedCount);
        Assert.Empty(verifier.Open);
        Assert.Equal(_scribe.Head, verifier.Head);
        Assert.Equal(_scribe.Public, verifier.FirstKey);
    }

    [Fact]
    public void An_empty_ledger_is_sound()
    {
        var verifier = LedgerScribe.Verify([]);

        Assert.Null(verifier.Fault);
        Assert.Equal(LedgerHead.Empty, verifier.Head);
    }

    [Fact]
    public void Records_after_the_last_head_are_counted_and_open_recoveries_named()
    {
        _scribe.Recover("r1");
        _scribe.Add(RecoveryRecordKind.RecoveryOpened, recovery: "r3");
        _scribe.Add(RecoveryRecordKind.RecoveryOpened, recovery: "r2");

        var verifier = LedgerScribe.Verify(_scribe.Lines);

        Assert.Null(verifier.Fault);
        Assert.Equal(2, verifier.UnsignedCount);
        Assert.Equal([RecoveryId.Parse("r2"), RecoveryId.Parse("r3")], verifier.Open);
    }

    [Fact]
    public void A_dropped_record_is_missing_where_it_was()
    {
        _scribe.Recover("r1");
        _scribe.Lines.RemoveAt(4);

        AssertFault(4, LedgerFaultKind.Missing);
    }

    [Fact]
    public void A_doubled_record_is_found()
    {
        _scribe.Recover("r1");
        _scribe.Lines.Insert(4, _scribe.Lines[3]);

        AssertFault(4, LedgerFaultKind.Repeated);
    }

    [Fact]
    public void Swapped_records_are_found_at_the_first_of_them()
    {
        _scribe.Recover("r1");
        (_scribe.Lines[3], _scribe.Lines[4]) = (_scribe.Lines[4], _scribe.Lines[3]);

        AssertFault(3, LedgerFaultKind.Missing);
    }

    [Fact]
    public void An_altered_body_does_not_match_its_hash()
    {
        _scribe.Recover("r1");
        _scribe.Lines[3] = Replace(_scribe.Lines[3], "ready", "never");

        AssertFault(3, LedgerFaultKind.Altered);
    }

    [Fact]
    public void A_record_that_is_altered_together_with_its_hash_breaks_the_next_one()
    {
        _scribe.Recover("r1");
        var altered = _scribe.Records[3] with { At = 5, Hash = null };
        _scribe.Lines[3] = LedgerCodec.Write(altered with { Hash = LedgerChain.HashOf(altered) });

        AssertFault(4, LedgerFaultKind.WrongPrevious);
    }

    [Fact]
    public void A_chain_that_is_hashed_anew_without_the_key_fails_at_the_next_head()
    {
        _scribe.Recover("r1");
        _scribe.Records[3] = _scribe.Records[3] with { At = 5 };

        var verifier = LedgerScribe.Verify(LedgerScribe.Rehash(_scribe.Records));

        Assert.Equal((8, LedgerFaultKind.BadSignature), (verifier.Fault!.Line, verifier.Fault.Kind));
    }

    [Fact]
    public void A_batch_that_is_left_out_of_a_chain_hashed_anew_is_found_at_the_next_head()
    {
        _scribe.Recover("r1");
        _scribe.Recover("r2");
        _scribe.Records.RemoveRange(1, 8);

        var verifier = LedgerScribe.Verify(LedgerScribe.Rehash(_scribe.Records));

        Assert.Equal((8, LedgerFaultKind.BadSignature), (verifier.Fault!.Line, verifier.Fault.Kind));
    }

    [Fact]
    public void A_ledger_of_another_key_is_sound_in_itself_and_not_trusted()
    {
        using var forged = new LedgerScribe();
        forged.Recover("r1");
        var trust = new LedgerTrust(_scribe.Public.Fingerprint);

        Assert.Null(LedgerScribe.Verify(forged.Lines).Fault);
        Assert.Equal(LedgerFaultKind.UntrustedKey, LedgerScribe.Verify(forged.Lines, trust).Fault!.Kind);
        Assert.Null(LedgerScribe.Verify(_scribe.Lines, trust).Fault);
    }

    [Fact]
    public void A_signed_batch_that_is_cut_off_shows_only_against_a_kept_head()
    {
        _scribe.Recover("r1");
        var cut = _scribe.Lines.ToList();
        _scribe.Recover("r2");
        var trust = new LedgerTrust(KeptHead: _scribe.Head);

        Assert.Null(LedgerScribe.Verify(cut).Fault);
        Assert.Equal(new LedgerFault(9, "it is missing: the ledger ends here, and the kept head says that it has 17 records or more", LedgerFaultKind.Truncated),
            LedgerScribe.Verify(cut, trust).Fault);
        Assert.Null(LedgerScribe.Verify(_scribe.Lines, trust).Fault);
    }

    [Fact]
    public void A_ledger_that_has_grown_is_sound_against_a_head_kept_before()
    {
        _scribe.Recover("r1");
        var kept = _scribe.Head;
        _scribe.Recover("r2");

        Assert.Null(LedgerScribe.Verify(_scribe.Lines, new LedgerTrust(KeptHead: kept)).Fault);
    }

    [Fact]
    public void A_history_written_anew_with_the_ledgers_own_key_shows_against_a_kept_head()
    {
        _scribe.Recover("r1");
        var kept = new LedgerHead(_scribe.Head.Next, new string('a', 64));

        var verifier = LedgerScribe.Verify(_scribe.Lines, new LedgerTrust(KeptHead: kept));

        Assert.Equal((8, LedgerFaultKind.AnotherHistory), (verifier.Fault!.Line, verifier.Fault.Kind));
    }

    [Fact]
    public void A_file_that_was_cut_inside_a_record_is_truncated_there()
    {
        _scribe.Recover("r1");
        var verifier = new LedgerVerifier();

        Assert.False(verifier.CheckLines(_scribe.File.AsSpan()[..^1]));
        Assert.Equal((8, LedgerFaultKind.Truncated), (verifier.Fault!.Line, verifier.Fault.Kind));
    }

    [Theory]
    [InlineData("{\"actor\"", "{ \"actor\"")]
    [InlineData("\"at\":1000003", "\"at\":1000003.0")]
    [InlineData("\"agent\":\"a\"", "\"agent\":\"\\u0061\"")]
    [InlineData("\"agent\":\"a\",\"answer\":\"ready\"", "\"answer\":\"ready\",\"agent\":\"a\"")]
    [InlineData("\"target\":1", "\"target\":1,\"target\":1")]
    [InlineData("\"target\":1", "\"target\":1e0")]
    [InlineData("\"target\":1", "\"target\":-9223372036854775808")]
    [InlineData("\"target\":1", "\"target\":9007199254740992")]
    [InlineData("\"answer\":\"ready\"", "\"answer\":\"\\ud800\"")]
    public void A_record_in_another_form_is_refused(string text, string other)
    {
        _scribe.Recover("r1");
        _scribe.Lines[3] = Replace(_scribe.Lines[3], text, other);

        var fault = LedgerScribe.Verify(_scribe.Lines).Fault!;

        Assert.Equal(3, fault.Line);
        Assert.True(fault.Kind is LedgerFaultKind.NotCanonical or LedgerFaultKind.Malformed, fault.ToString());
    }

    [Fact]
    public void A_record_of_a_later_version_is_not_called_broken()
    {
        _scribe.Recover("r1");
        _scribe.Lines[3] = Replace(Replace(_scribe.Lines[3], "\"ver\":1", "\"ver\":2"), "{\"actor\"", "{\"a_new_member\":1,\"actor\"");

        AssertFault(3, LedgerFaultKind.UnknownVersion);
    }

    [Fact]
    public void A_record_of_another_tenant_is_foreign()
    {
        _scribe.Recover("r1");
        var foreign = _scribe.Records[3] with { Tenant = TenantId.Parse("other"), Hash = null };
        _scribe.Lines[3] = LedgerCodec.Write(foreign with { Hash = LedgerChain.HashOf(foreign) });

        AssertFault(3, LedgerFaultKind.ForeignTenant);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"ver\":1}")]
    [InlineData("{\"ver\":9223372036854775808}")]
    [InlineData("\ufeff{}")]
    [InlineData("{\"ver\":1,\"body\":null,\"hash\":null,\"previous\":null,\"tenant\":\"t\",\"kind\":0,\"at\":0,\"position\":0}")]
    public void What_is_no_record_is_malformed(string line)
    {
        _scribe.Lines[0] = Encoding.UTF8.GetBytes(line);

        AssertFault(0, LedgerFaultKind.Malformed);
    }

    [Fact]
    public void Nothing_is_checked_after_a_fault()
    {
        var verifier = new LedgerVerifier();
        verifier.Check("{}"u8);
        var first = verifier.Fault;

        Assert.False(verifier.Check(_scribe.Lines[0]));
        Assert.False(verifier.Conclude());
        Assert.Same(first, verifier.Fault);
        Assert.Equal(0, verifier.SoundCount);
    }

    private static byte[] Replace(byte[] line, string text, string other)
    {
        var before = Encoding.UTF8.GetString(line);
        Assert.Contains(text, before, StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(before.Replace(text, other, StringComparison.Ordinal));
    }

    private void AssertFault(long line, LedgerFaultKind kind)
    {
        var fault = LedgerScribe.Verify(_scribe.Lines).Fault;
        Assert.NotNull(fault);
        Assert.Equal((line, kind), (fault.Line, fault.Kind));
    }
}
