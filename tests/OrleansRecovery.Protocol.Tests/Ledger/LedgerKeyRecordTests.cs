using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Ledger;

/// <summary>Keys are introduced, hand over and retire inside the chain.</summary>
public sealed class LedgerKeyRecordTests : IDisposable
{
    private readonly LedgerScribe _scribe = new();

    public void Dispose() => _scribe.Dispose();

    [Fact]
    public void A_ledger_verifies_by_itself_through_three_keys()
    {
        var first = _scribe.Public;
        _scribe.Recover("r1");
        _scribe.Rotate();
        _scribe.Recover("r2");
        _scribe.Rotate();
        _scribe.Recover("r3");

        var verifier = LedgerScribe.Verify(_scribe.Lines, new LedgerTrust(first.Fingerprint));

        Assert.Null(verifier.Fault);
        Assert.Equal(first, verifier.FirstKey);
    }

    [Fact]
    public void A_key_that_has_handed_over_signs_no_more()
    {
        var first = _scribe.Public.Key;
        _scribe.Rotate();
        _scribe.SignHeadWithFirstKey(first);

        AssertLastFails(LedgerFaultKind.RetiredKey);
    }

    [Fact]
    public void A_head_of_a_key_that_was_never_introduced_is_refused()
    {
        _scribe.SignHeadAs("stranger");

        AssertLastFails(LedgerFaultKind.UnknownKey);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_key_does_not_introduce_itself(bool signs)
    {
        _scribe.Usurp(_scribe.Public.Key, signs);

        AssertLastFails(LedgerFaultKind.BadSignature);
    }

    [Fact]
    public void A_name_stays_with_its_key()
    {
        _scribe.Rename(_scribe.Public.Key);

        AssertLastFails(LedgerFaultKind.BadSignature);
    }

    [Fact]
    public void A_hand_over_counts_only_where_it_was_signed()
    {
        _scribe.Rotate();
        var handOver = _scribe.Records[^1];
        _scribe.Records.Insert(1, handOver with { Kind = RecoveryRecordKind.SignalRefused, Body = Sample.Json("{}") });

        var fault = LedgerScribe.Verify(LedgerScribe.Rehash(_scribe.Records)).Fault!;

        Assert.Equal((2, LedgerFaultKind.BadSignature), (fault.Line, fault.Kind));
    }

    [Fact]
    public void A_signature_of_one_tenants_ledger_says_nothing_about_anothers()
    {
        _scribe.Recover("r1");
        var moved = LedgerScribe.Rehash(_scribe.Records.Select(record => record with { Tenant = TenantId.Parse("other") }));

        Assert.Equal(LedgerFaultKind.BadSignature, LedgerScribe.Verify(moved).Fault!.Kind);
    }

    [Fact]
    public void A_ledger_begins_with_a_key()
    {
        var records = new[] { _scribe.Records[0] with { Kind = RecoveryRecordKind.SignalAccepted, Body = Sample.Json("{}") } };

        Assert.Equal(LedgerFaultKind.UnknownKey, LedgerScribe.Verify(LedgerScribe.Rehash(records)).Fault!.Kind);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"public_key":null}""")]
    [InlineData("""{"public_key":{}}""")]
    [InlineData("""{"public_key":{"crv":"P-384","kid":"k","kty":"EC","x":"AA","y":"AA"}}""")]
    [InlineData("""{"public_key":{"crv":"P-256","kid":"k","kty":"EC","x":"AA","y":"AA"}}""")]
    [InlineData("""{"public_key":{"crv":"P-256","kid":"a b","kty":"EC","x":"AA","y":"AA"}}""")]
    [InlineData("""{"public_key":{"crv":"P-256","d":"AA","kid":"k","kty":"EC","x":"AA","y":"AA"}}""")]
    [InlineData("""{"public_key":[]}""")]
    [InlineData("""{"public_key":"k"}""")]
    public void A_key_record_without_a_key_is_malformed(string body)
    {
        _scribe.Add(RecoveryRecordKind.KeyIntroduced, body);

        AssertLastFails(LedgerFaultKind.Malformed);
    }

    [Theory]
    [InlineData("{}", LedgerFaultKind.Malformed)]
    [InlineData("""{"covers":null,"key":"k","signature":"AA"}""", LedgerFaultKind.Malformed)]
    [InlineData("""{"covers":"a","key":1,"signature":"AA"}""", LedgerFaultKind.Malformed)]
    [InlineData("""{"covers":"a","key":"KEY","signature":"no base64!"}""", LedgerFaultKind.BadSignature)]
    [InlineData("""{"covers":"HASH","key":"KEY","signature":""}""", LedgerFaultKind.BadSignature)]
    [InlineData("""{"covers":"HASH","key":"KEY","signature":"AAAA"}""", LedgerFaultKind.BadSignature)]
    public void A_head_without_a_signature_is_refused(string body, LedgerFaultKind expected)
    {
        _scribe.Add(RecoveryRecordKind.Head, body.Replace("KEY", _scribe.Public.Key.Text, StringComparison.Ordinal).Replace("HASH", _scribe.Head.Hash, StringComparison.Ordinal));

        AssertLastFails(expected);
    }

    [Fact]
    public void What_is_signed_is_canonical_json()
    {
        var head = LedgerSignatures.HeadStatement(Sample.Tenant, _scribe.Head);
        var handOver = LedgerSignatures.HandOverStatement(Sample.Tenant, _scribe.Head, _scribe.Public);

        Assert.Equal(CanonicalJson.Write(head), head);
        Assert.Equal(CanonicalJson.Write(handOver), handOver);
        Assert.StartsWith($$"""{"covers":"{{_scribe.Head.Hash}}","position":1,"tenant":"t",""", Encoding.UTF8.GetString(head), StringComparison.Ordinal);
    }

    // RFC 7638 has no example on P-256; this is the key of RFC 7517, appendix A.1, and its thumbprint was computed with another program.
    [Fact]
    public void A_fingerprint_is_the_jwk_thumbprint()
    {
        const string json = """{"public_key":{"crv":"P-256","kid":"1","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}}""";

        var key = JsonSerializer.Deserialize<PublicKey>(Sample.Json(json).GetProperty("public_key"));

        Assert.Equal("727f88fd634c0a57a1895a79d62ff4569384356d6ea447ab03cb046a6e619feb", key!.Fingerprint);
        Assert.Equal(Sample.Json(json).GetProperty("public_key").GetRawText(), JsonSerializer.Serialize(key));
    }

    [Fact]
    public void A_point_that_is_not_on_the_curve_verifies_nothing()
    {
        var nowhere = PublicKey.Of(KeyId.Parse("k"), new byte[32], new byte[32]);

        Assert.False(nowhere.Verifies("text"u8, new byte[64]));
    }

    [Fact]
    public void A_coordinate_has_32_bytes() =>
        Assert.Throws<ArgumentException>(() => PublicKey.Of(KeyId.Parse("k"), new byte[31], new byte[32]));

    [Theory]
    [InlineData("AA==")]
    [InlineData("AA\n")]
    [InlineData(" AA")]
    [InlineData("AB")]
    [InlineData("A")]
    [InlineData("A+/A")]
    public void Base64url_has_one_form(string text) => Assert.False(StrictBase64Url.TryDecode(text, out _));

    private void AssertLastFails(LedgerFaultKind kind)
    {
        var fault = LedgerScribe.Verify(_scribe.Lines).Fault;
        Assert.NotNull(fault);
        Assert.Equal((_scribe.Lines.Count - 1, kind), (fault.Line, fault.Kind));
    }
}
