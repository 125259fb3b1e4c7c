using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Capabilities;

/// <summary>What evidence proves, and what does not.</summary>
public sealed class CapabilityVerifierTests : IDisposable
{
    private readonly Attester _attester = new();

    public void Dispose() => _attester.Dispose();

    [Fact]
    public void Evidence_that_a_believed_issuer_signed_about_this_code_and_this_bill_is_good()
    {
        Assert.True(Verify(_attester.Evidence(), out var found, out _));
        Assert.Equal((_attester.Issuer, _attester.Public.Key, Attester.Builder, 1), (found!.Signer, found.Key, found.Builder, found.ComponentCount));
    }

    [Fact]
    public void Any_bit_that_is_flipped_in_the_envelope_is_refused()
    {
        var good = _attester.Evidence();
        Prop.ForAll(Gen.Choose(0, (good.Envelope.Length * 8) - 1).ToArbitrary(), bit => Assert.False(Verify(good with { Envelope = Flipped(good.Envelope, bit) }, out _, out _)))
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_bit_that_is_flipped_in_the_statement_is_refused_whoever_wrote_the_envelope()
    {
        var good = _attester.Evidence();
        Assert.True(DsseEnvelope.TryRead(good.Envelope, out var envelope, out _));
        var (key, signature) = envelope.Signatures[0];
        for (var bit = 0; bit < envelope.Payload.Length * 8; bit++)
        {
            var forged = DsseEnvelope.Write(Flipped(envelope.Payload, bit).Span, key, signature.Span);

            Assert.False(Verify(good with { Envelope = forged }, out _, out _), $"bit {bit}");
        }
    }

    [Fact]
    public void Any_bit_that_is_flipped_in_the_signature_is_refused()
    {
        var good = _attester.Evidence();
        Assert.True(DsseEnvelope.TryRead(good.Envelope, out var envelope, out _));
        var (key, signature) = envelope.Signatures[0];
        for (var bit = 0; bit < signature.Length * 8; bit++)
        {
            var forged = DsseEnvelope.Write(envelope.Payload.Span, key, Flipped(signature, bit).Span);

            Assert.False(Verify(good with { Envelope = forged }, out _, out _), $"bit {bit}");
        }
    }

    [Fact]
    public void Any_bit_that_is_flipped_in_the_bill_of_materials_is_refused()
    {
        var good = _attester.Evidence();
        for (var bit = 0; bit < good.Bom.Length * 8; bit++)
        {
            Assert.False(Verify(good with { Bom = Flipped(good.Bom, bit) }, out _, out _), $"bit {bit}");
        }
    }

    [Fact]
    public void Any_bit_that_is_flipped_in_the_code_is_refused()
    {
        var good = _attester.Evidence();
        for (var bit = 0; bit < Attester.Code.Length * 8; bit++)
        {
            var other = CapabilityId.Of(Attester.Capability.Name, ContentChecks.ChecksumOf(Flipped(Attester.Code, bit).Span));

            Assert.False(Verify(good, out _, out var error, capability: other));
            Assert.Equal(RecoveryErrorCode.UntrustedEvidence, error!.Code);
        }
    }

    [Fact]
    public void Whom_the_tenant_does_not_believe_proves_nothing()
    {
        using var other = new Attester("stranger");
        var keys = _attester.Keys.With(IssuerKeyChange.Add(other.Issuer, other.Public, 1, Sample.Operator, "enrolled"));

        AssertRefused(RecoveryErrorCode.UntrustedEvidence, other.Evidence(), keys);                                     // it signs signals, and builds nothing
        AssertRefused(RecoveryErrorCode.UntrustedEvidence, _attester.Evidence(builder: "https://laptop.example"), keys); // about another builder
        AssertRefused(RecoveryErrorCode.UntrustedEvidence, _attester.Evidence(), IssuerKeys.None);                       // no key of the tenant
    }

    [Fact]
    public void A_key_that_is_revoked_or_whose_time_is_over_proves_nothing()
    {
        var key = _attester.Keys.Find(_attester.Public.Key)!;
        var retired = _attester.Keys.With(IssuerKeyChange.Retire(key, 1_000, 500, Sample.Operator, "rotated"));

        Assert.True(Verify(_attester.Evidence(), out _, out _, keys: retired, now: 1_000));
        Assert.False(Verify(_attester.Evidence(), out _, out _, keys: retired, now: 1_001));
        Assert.False(Verify(_attester.Evidence(), out _, out _, keys: _attester.Keys.With(IssuerKeyChange.Revoke(key, 2, Sample.Operator, "stolen"))));
    }

    [Fact]
    public void A_bill_that_the_statement_does_not_name_or_that_is_of_other_code_is_refused()
    {
        var unnamed = new CapabilityEvidence(_attester.Evidence().Envelope, Attester.Bom(Attester.Capability.Digest, string.Empty));
        var foreign = _attester.Evidence(bom: Attester.Bom(Attester.Named("hotel", "other code").Digest));

        AssertRefused(RecoveryErrorCode.UntrustedEvidence, unnamed, _attester.Keys);
        AssertRefused(RecoveryErrorCode.UntrustedEvidence, foreign, _attester.Keys);
    }

    [Theory]
    [InlineData("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")]
    [InlineData("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2")]
    [InlineData("\"predicate\":{", "\"predicate\":null,\"p\":{")]
    [InlineData("\"builder\":{", "\"b\":{")]
    [InlineData("\"_type\":", "\"_type\":\"x\",\"_type\":")]
    [InlineData("}", "")]
    public void A_statement_of_another_form_is_malformed_whoever_signed_it(string part, string other)
    {
        var bom = Attester.Bom(Attester.Capability.Digest);
        var text = Encoding.UTF8.GetString(ProvenanceStatement.Write("hotel.dll", Attester.Capability.Digest, Attester.Builder, ContentChecks.ChecksumOf(bom)));
        Assert.Contains(part, text, StringComparison.Ordinal);
        var place = text.IndexOf(part, StringComparison.Ordinal);
        var changed = string.Concat(text.AsSpan(0, place), other, text.AsSpan(place + part.Length));

        AssertRefused(RecoveryErrorCode.MalformedEvidence, _attester.Evidence(bom: bom, statement: Encoding.UTF8.GetBytes(changed)), _attester.Keys);
    }

    [Theory]
    [InlineData("CycloneDX", "SPDX")]
    [InlineData("\"1.6\"", "\"0.9\"")]
    [InlineData("\"components\"", "\"parts\"")]
    [InlineData("\"name\":\"left-pad\"", "\"name\":7")]
    [InlineData("\"name\":\"left-pad\"", "\"name\":\"\\ud800\"")]
    [InlineData("\"metadata\"", "\"m\"")]
    [InlineData("}", "")]
    public void A_bill_of_another_form_is_malformed_whoever_signed_it(string part, string other)
    {
        var text = Encoding.UTF8.GetString(Attester.Bom(Attester.Capability.Digest));
        var changed = Encoding.UTF8.GetBytes(text.Replace(part, other, StringComparison.Ordinal));

        AssertRefused(RecoveryErrorCode.MalformedEvidence, _attester.Evidence(bom: changed), _attester.Keys);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}""")]
    [InlineData("""{"payloadType":"text/plain","payload":"","signatures":[{"keyid":"k","sig":""}]}""")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"e30","signatures":[{"keyid":"k","sig":""}]}""")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"e3 0=","signatures":[{"keyid":"k","sig":""}]}""")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"e31=","signatures":[{"keyid":"k","sig":""}]}""")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":""}]}""")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"k","sig":"","x":1}]}""")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"k","sig":""}],"more":1}""")]
    public void An_envelope_of_another_form_is_malformed(string envelope) => AssertRefused(
        RecoveryErrorCode.MalformedEvidence, new CapabilityEvidence(Encoding.UTF8.GetBytes(envelope), Attester.Bom(Attester.Capability.Digest)), _attester.Keys);

    [Fact]
    public void Evidence_that_is_too_long_is_malformed()
    {
        var good = _attester.Evidence();

        AssertRefused(RecoveryErrorCode.MalformedEvidence, good with { Envelope = new byte[CapabilityEvidence.EnvelopeBytesMax + 1] }, _attester.Keys);
        AssertRefused(RecoveryErrorCode.MalformedEvidence, good with { Bom = new byte[CapabilityEvidence.BomBytesMax + 1] }, _attester.Keys);
    }

    [Fact]
    public void Whatever_bytes_are_given_they_are_refused_with_a_named_error() =>
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, 255).Select(value => (byte)value)).ToArbitrary(), bytes =>
        {
            Assert.False(Verify(new CapabilityEvidence(bytes.ToArray(), bytes.ToArray()), out _, out var error));
            Assert.Equal(RecoveryErrorCode.MalformedEvidence, error!.Code);
        }).QuickCheckThrowOnFailure();

    private void AssertRefused(RecoveryErrorCode code, CapabilityEvidence evidence, IssuerKeys keys)
    {
        Assert.False(Verify(evidence, out _, out var error, keys: keys));
        Assert.Equal(code, error!.Code);
    }

    private bool Verify(
        CapabilityEvidence evidence, out Attestation? found, out RecoveryError? error, CapabilityId? capability = null, IssuerKeys? keys = null, long now = 10) =>
        CapabilityVerifier.TryVerify(
            capability ?? Attester.Capability, evidence, keys ?? _attester.Keys, new HashSet<TrustedBuilder> { _attester.Trusted }, now, out found, out error);

    private static ReadOnlyMemory<byte> Flipped(ReadOnlyMemory<byte> bytes, int bit)
    {
        var copy = bytes.ToArray();
        copy[bit / 8] ^= (byte)(1 << (bit % 8));
        return copy;
    }

}
