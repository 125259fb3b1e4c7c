using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Security;

/// <summary>Keys of issuers over their life, and what counts when.</summary>
public sealed class IssuerKeysTests : IDisposable
{
    private readonly Signer _first = new("monitor");
    private readonly Signer _next = new("monitor");
    private readonly IssuerKeys _keys;

    public IssuerKeysTests() => _keys = IssuerKeys.None.With(_first.Added);

    public void Dispose()
    {
        _first.Dispose();
        _next.Dispose();
    }

    [Theory]
    [InlineData(1_000, true)]
    [InlineData(1_001, false)]
    public void A_retired_key_verifies_until_its_time_and_not_longer(long now, bool isGood)
    {
        var keys = _keys.With(_next.Added).With(IssuerKeyChange.Retire(_first.Key, 1_000, 500, Sample.Operator, "rotated"));

        Assert.Equal(isGood, IsProven(keys, _first, now));
        Assert.True(IsProven(keys, _next, now));
    }

    [Fact]
    public void A_revoked_key_verifies_nothing_from_then_on_whatever_it_was_before()
    {
        var retired = _keys.With(IssuerKeyChange.Retire(_first.Key, 1_000, 500, Sample.Operator, "rotated"));

        Assert.False(IsProven(_keys.With(Revoked), _first, 1));
        Assert.False(IsProven(retired.With(Revoked), _first, 1));
    }

    [Theory]
    [InlineData(SignatureRule.WhereKeyed, "nobody", true)]
    [InlineData(SignatureRule.WhereKeyed, "monitor", false)]
    [InlineData(SignatureRule.Always, "nobody", false)]
    [InlineData(SignatureRule.Always, "monitor", false)]
    public void An_unsigned_signal_is_refused_where_its_issuer_has_a_key_or_all_must_be_signed(SignatureRule rule, string issuer, bool isTaken)
    {
        var signal = Sample.Signal("a", 1) with { Issuer = IssuerId.Parse(issuer) };

        Assert.Equal(isTaken ? null : RecoveryErrorCode.BadSignature, MessageOrigin.RefusalOf(_keys, rule, signal)?.Code);
    }

    [Fact]
    public void Whose_last_key_is_revoked_does_not_signal_unsigned_again()
    {
        var signal = (FailureSignal)_first.Signal.Message;

        Assert.Equal(RecoveryErrorCode.BadSignature, MessageOrigin.RefusalOf(_keys.With(Revoked), SignatureRule.WhereKeyed, signal)?.Code);
    }

    [Fact]
    public void A_key_that_is_unknown_revoked_or_another_issuers_is_refused_in_the_same_words()
    {
        using var other = new Signer("other");
        var keys = _keys.With(other.Added);
        string[] causes = [Cause(IssuerKeys.None, _first.Sign()), Cause(keys.With(Revoked), _first.Sign())];

        Assert.Equal(causes[0], causes[1]);
        Assert.Equal(causes[0].Replace(_first.Public.Key.Text, other.Public.Key.Text, StringComparison.Ordinal), Cause(keys, other.Sign(_first.Signal)));
    }

    [Fact]
    public void A_key_is_given_once_and_to_one_issuer()
    {
        AssertUnfit(_keys, _first.Added);
        AssertUnfit(_keys, _first.Added with { Issuer = IssuerId.Parse("other") });
        AssertUnfit(_keys.With(Revoked), _first.Added);
    }

    [Fact]
    public void A_change_that_does_not_fit_is_refused()
    {
        var retire = IssuerKeyChange.Retire(_first.Key, 9, 5, Sample.Operator, "rotated");

        AssertUnfit(IssuerKeys.None, Revoked);
        AssertUnfit(_keys, Revoked with { Issuer = IssuerId.Parse("other") });
        AssertUnfit(_keys.With(Revoked), Revoked);
        AssertUnfit(_keys.With(Revoked), retire);
        AssertUnfit(_keys.With(retire), retire with { Until = 1_000_000 });
        AssertUnfit(_keys, retire with { Until = null });
        AssertUnfit(_keys, _next.Added with { Issuer = SignalPolicy.Host });
        AssertUnfit(_keys, _next.Added with { Key = KeyId.Parse("k-of-my-choice") });
        AssertUnfit(_keys, _next.Added with { PublicKey = null });
    }

    [Fact]
    public void What_is_stored_of_a_change_is_read_as_it_was()
    {
        IssuerKeyChange[] changes = [_first.Added, _next.Added, IssuerKeyChange.Retire(_first.Key, 9, 5, Sample.Operator, "rotated"), Revoked];

        Assert.Equal(changes, changes.Select(change => IssuerKeyJson.Read(IssuerKeyJson.Write(change))));
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, Assert.Throws<RecoveryException>(() => IssuerKeyJson.Read("{}"u8)).Error.Code);
    }

    [Fact]
    public void The_ledger_says_who_changed_which_key_and_why()
    {
        var entry = IssuerKeyJson.EntryOf(Revoked);

        Assert.Equal((RecoveryRecordKind.OperatorDecided, Sample.Operator), (entry.Kind, entry.Actor!.Value));
        Assert.Equal(
            $$"""{"ruling":"key_revoked","reason":"stolen","issuer":"monitor","key":"{{_first.Public.Key}}"}""", entry.Body.GetRawText());
    }

    private IssuerKeyChange Revoked => IssuerKeyChange.Revoke(_first.Key, 700, Sample.Operator, "stolen");

    private static bool IsProven(IssuerKeys keys, Signer signer, long now) =>
        SignedMessage.TryRead(signer.Sign(), out var signed, out _) && MessageOrigin.RefusalOf(keys, signed, now) is null;

    private static string Cause(IssuerKeys keys, byte[] compact)
    {
        Assert.True(SignedMessage.TryRead(compact, out var signed, out _));
        return MessageOrigin.RefusalOf(keys, signed, 1)!.Cause;
    }

    private static void AssertUnfit(IssuerKeys keys, IssuerKeyChange change) =>
        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => keys.With(change)).Error.Code);
}
