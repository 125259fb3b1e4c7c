using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Tests.Messages;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Security;

/// <summary>The signed form of messages (draft, section {#signed}).</summary>
public sealed class SignedMessageTests : IDisposable
{
    private readonly Signer _monitor = new("monitor");
    private readonly Signer _other = new("other");
    private readonly IssuerKeys _keys;

    public SignedMessageTests() => _keys = IssuerKeys.None.With(_monitor.Added).With(_other.Added);

    public void Dispose()
    {
        _monitor.Dispose();
        _other.Dispose();
    }

    [Fact]
    public void A_signal_that_is_signed_with_its_issuers_key_is_proven_and_is_the_signal_that_was_signed()
    {
        Assert.True(SignedMessage.TryRead(_monitor.Sign(), out var signed, out _));
        Assert.Equal(MessageCodec.Write(_monitor.Signal), MessageCodec.Write(signed.Message));
        Assert.Equal(_monitor.Issuer, signed.Sender);
        Assert.Null(Refusal(_monitor.Sign()));
    }

    [Theory]
    [InlineData("none")]
    [InlineData("HS256")]
    [InlineData("RS256")]
    [InlineData("ES384")]
    [InlineData("es256")]
    [InlineData("")]
    public void No_algorithm_is_accepted_but_the_one_of_the_allow_list(string algorithm) => AssertBad(_monitor.Sign(_monitor.Header(algorithm)));

    [Theory]
    [InlineData("JWT")]
    [InlineData("application/agent-recovery-jws")]
    [InlineData("agent-recovery+json")]
    [InlineData("Agent-Recovery-JWS")]
    [InlineData("")]
    public void No_other_type_of_token_is_taken_for_a_message(string type) => AssertBad(_monitor.Sign(_monitor.Header(type: type)));

    [Theory]
    [InlineData("\"crit\":[\"alg\"]")]
    [InlineData("\"jwk\":{\"kty\":\"EC\"}")]
    [InlineData("\"jku\":\"https://attacker.example/keys\"")]
    [InlineData("\"x5c\":[]")]
    [InlineData("\"cty\":\"json\"")]
    [InlineData("\"b64\":false")]
    [InlineData("\"x\":null")]
    [InlineData("\"alg\":\"ES256\"")]
    public void A_header_with_a_further_member_is_refused(string member) => AssertBad(_monitor.Sign(_monitor.Header().Replace("}", $",{member}}}", StringComparison.Ordinal)));

    [Theory]
    [InlineData("alg")]
    [InlineData("kid")]
    [InlineData("typ")]
    public void A_header_without_one_of_its_members_or_with_another_type_of_value_is_refused(string name)
    {
        AssertBad(_monitor.Sign(_monitor.Header().Replace($"\"{name}\"", "\"other\"", StringComparison.Ordinal)));
        AssertBad(_monitor.Sign(_monitor.Header().Replace($"\"{name}\":\"", $"\"{name}\":1,\"{name}s\":\"", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("\"ES256\"")]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("{\"alg\":\"\\ud800\",\"kid\":\"k\",\"typ\":\"agent-recovery-jws\"}")]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")]
    public void A_header_that_is_no_flat_object_is_refused(string header) => AssertBad(_monitor.Sign(header));

    [Fact]
    public void A_header_that_is_longer_than_its_members_can_be_is_not_parsed() =>
        AssertBad(_monitor.Sign(_monitor.Header() + new string(' ', SignedMessage.HeaderBytesMax)));

    [Theory]
    [InlineData("{0}")]
    [InlineData("{0}.{1}")]
    [InlineData("{0}.{1}.")]
    [InlineData(".{1}.{2}")]
    [InlineData("{0}.{1}.{2}.")]
    [InlineData("{0}.{1}.{2}.{2}")]
    [InlineData("{0}.{1}.{2}=")]
    [InlineData("{0}.{1}.{2}==")]
    [InlineData("{0}.{1}.{2}\n")]
    [InlineData(" {0}.{1}.{2}")]
    [InlineData("{0}. {1}.{2}")]
    [InlineData("{0}.{1}.{2}AA")]
    [InlineData("{0}.{1}.é{2}")]
    [InlineData("{0}.{1}.+{2}")]
    public void What_has_not_three_parts_in_strict_base64url_is_refused(string form)
    {
        var parts = Encoding.ASCII.GetString(_monitor.Sign()).Split('.');

        AssertBad(Encoding.UTF8.GetBytes(string.Format(System.Globalization.CultureInfo.InvariantCulture, form, parts[0], parts[1], parts[2])));
    }

    [Fact]
    public void Any_bit_that_is_flipped_refuses_the_message()
    {
        var sound = _monitor.Sign();
        for (var bit = 0; bit < sound.Length * 8; bit++)
        {
            var flipped = sound.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));

            Assert.True(Refusal(flipped) is not null, $"bit {bit}");
        }
    }

    [Fact]
    public void Any_other_key_refuses_the_message()
    {
        for (var times = 0; times < 50; times++)
        {
            using var other = new Signer("monitor");
            var keys = IssuerKeys.None.With(other.Added);

            Assert.Null(Refusal(other.Sign(), keys));
            Assert.NotNull(Refusal(_monitor.Sign(), keys));
            Assert.NotNull(Refusal(other.Sign(other.Header(kid: _monitor.Public.Key.Text)), _keys));
        }
    }

    [Fact]
    public void Any_text_is_refused_and_never_throws() =>
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, 255).Select(value => (byte)value)).ToArbitrary(), bytes => Assert.NotNull(Refusal([.. bytes]))).QuickCheckThrowOnFailure();

    [Fact]
    public void The_form_of_a_message_is_looked_at_before_its_signature()
    {
        var form = _monitor.Sign(_monitor.Header(), """{"ver":1,"type":"failure_signal"}""");
        var version = _monitor.Sign(_monitor.Header("none"), """{"ver":2}""");
        form[^5] = (byte)(form[^5] == 'A' ? 'B' : 'A');

        Assert.Equal(RecoveryErrorCode.SchemaViolation, Refusal(form)?.Code);
        Assert.Equal(RecoveryErrorCode.UnknownVersion, Refusal(version)?.Code);
        Assert.Equal(RecoveryErrorCode.MalformedJson, Refusal(_monitor.Sign(_monitor.Header("none"), "{"))?.Code);
    }

    [Fact]
    public void What_is_too_large_is_not_read()
    {
        Assert.Equal(RecoveryErrorCode.PayloadTooLarge, Refusal(new byte[SignedMessage.BytesMax + 1])?.Code);
        Assert.Equal(RecoveryErrorCode.PayloadTooLarge, Refusal(_monitor.Sign(_monitor.Header(), new string(' ', MessageCodec.MessageBytesMax + 1)))?.Code);
        Assert.Equal(RecoveryErrorCode.MalformedJson, Refusal(_monitor.Sign(_monitor.Header(), new string(' ', MessageCodec.MessageBytesMax)))?.Code);
        Assert.Equal(RecoveryErrorCode.MalformedJson, Refusal(_monitor.Sign(_monitor.Header(), new string('[', MessageCodec.DepthMax + 1)))?.Code);
    }

    [Fact]
    public void A_key_that_the_header_brings_along_counts_for_nothing()
    {
        using var stranger = new Signer("monitor");
        var own = stranger.Header().Replace("}", $",\"jwk\":{System.Text.Json.JsonSerializer.Serialize(stranger.Public)}}}", StringComparison.Ordinal);

        AssertBad(stranger.Sign(own));
        AssertBad(stranger.Sign());
        AssertBad(stranger.Sign(stranger.Header(kid: _monitor.Public.Key.Text)));
    }

    [Fact]
    public void Another_issuers_key_proves_nothing_although_its_signature_verifies()
    {
        var forged = _other.Sign(_monitor.Signal);
        Assert.True(SignedMessage.TryRead(forged, out var signed, out _));

        Assert.True(signed.IsSignedWith(_other.Public));
        AssertBad(forged);
    }

    [Fact]
    public void What_a_participant_says_is_its_agents_and_what_a_coordinator_says_is_nobodys_here()
    {
        using var agent = new Signer("a");
        var keys = _keys.With(agent.Added);
        var question = Sample.Addressed(((StatusQuery)MessageSamples.Full(RecoveryMessageKind.StatusQuery)) with { Agent = Sample.A("a") });
        var prepare = Sample.Addressed(MessageSamples.Full(RecoveryMessageKind.Prepare));

        Assert.Null(Refusal(agent.Sign(question), keys));
        Assert.Equal(RecoveryErrorCode.BadSignature, Refusal(_monitor.Sign(question), keys)?.Code);
        Assert.Equal(RecoveryErrorCode.BadSignature, Refusal(agent.Sign(prepare), keys)?.Code);
    }

    private RecoveryError? Refusal(byte[] compact, IssuerKeys? keys = null) =>
        SignedMessage.TryRead(compact, out var signed, out var error) ? MessageOrigin.RefusalOf(keys ?? _keys, signed, now: 100) : error;

    private void AssertBad(byte[] compact) => Assert.Equal(RecoveryErrorCode.BadSignature, Refusal(compact)?.Code);
}
