using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Capabilities;

/// <summary>A tenant's capabilities over their life, and what may run when.</summary>
public sealed class CapabilityCatalogTests : IDisposable
{
    private static readonly CapabilityName Hotel = CapabilityName.Parse("hotel");

    private readonly Attester _attester = new();

    public void Dispose() => _attester.Dispose();

    [Fact]
    public void Code_runs_under_any_name_until_a_version_of_it_is_active_and_then_only_what_is()
    {
        var catalog = Changed(CapabilityCatalog.Empty, Trust(), Register(), Verify());
        Assert.Equal(CapabilityRuling.Unguarded, Judge(catalog, "other code"));

        catalog = Changed(catalog, Activate());

        Assert.Equal(new CapabilityRuling(Attester.Capability, null), Judge(catalog));
        Assert.NotNull(Judge(catalog, "other code").Fault);
        Assert.NotNull(catalog.Judge(Hotel, null, _attester.Keys).Fault);
        Assert.Equal(CapabilityRuling.Unguarded, catalog.Judge(CapabilityName.Parse("mailer"), Attester.Capability.Digest, _attester.Keys));
    }

    [Fact]
    public void What_is_revoked_runs_no_more_and_its_name_stays_guarded()
    {
        var catalog = Changed(CapabilityCatalog.Empty, Trust(), Register(), Verify(), Activate(), Revoke());

        Assert.Contains("revoked", Judge(catalog).Fault, StringComparison.Ordinal);
        Assert.NotNull(Judge(catalog, "other code").Fault);
    }

    [Fact]
    public void What_is_known_to_be_bad_is_revoked_before_it_is_registered_and_leaves_other_code_alone()
    {
        var catalog = Changed(CapabilityCatalog.Empty, Revoke());

        Assert.NotNull(Judge(catalog).Fault);
        Assert.Equal(CapabilityRuling.Unguarded, Judge(catalog, "other code"));
        Assert.Equal(RecoveryErrorCode.IllegalTransition, Refusal(catalog, Register()));
    }

    [Fact]
    public void Policy_may_ask_for_a_capability_where_the_name_is_not_guarded()
    {
        Assert.NotNull(CapabilityCatalog.Empty.Judge(Hotel, Attester.Capability.Digest, _attester.Keys, isRequired: true).Fault);
        Assert.NotNull(CapabilityCatalog.Empty.Judge(Hotel, null, _attester.Keys, isRequired: true).Fault);
        Assert.Null(CapabilityCatalog.Empty.Judge(Hotel, null, _attester.Keys).Fault);
    }

    [Fact]
    public void When_its_signer_s_key_is_revoked_or_its_builder_is_not_believed_any_more_it_is_not_used_at_once()
    {
        var catalog = Changed(CapabilityCatalog.Empty, Trust(), Register(), Verify(), Activate());
        var key = _attester.Keys.Find(_attester.Public.Key)!;

        Assert.NotNull(catalog.Judge(Hotel, Attester.Capability.Digest, _attester.Keys.With(IssuerKeyChange.Revoke(key, 2, Sample.Operator, "stolen"))).Fault);
        Assert.NotNull(Judge(Changed(catalog, CapabilityChange.Distrust(_attester.Trusted, 2, Sample.Operator, "breached"))).Fault);
        Assert.Null(catalog.Judge(Hotel, Attester.Capability.Digest, _attester.Keys.With(IssuerKeyChange.Retire(key, 5, 2, Sample.Operator, "rotated"))).Fault);
    }

    [Fact]
    public void Evidence_by_another_key_takes_the_place_of_the_first_and_is_to_be_verified_anew()
    {
        using var next = new Attester();
        var keys = _attester.Keys.With(IssuerKeyChange.Add(next.Issuer, next.Public, 1, Sample.Operator, "enrolled"));
        var catalog = Changed(CapabilityCatalog.Empty, Trust(), Register(), Verify(), Activate());

        var anew = catalog.With(CapabilityChange.Register(Attester.Capability, next.Evidence(), 3, Sample.Operator, "the first key was stolen"));
        Assert.Equal(CapabilityPhase.Registered, anew.Of(Attester.Capability).Phase);
        Assert.NotNull(Judge(anew).Fault);

        anew = anew.With(anew.Completed(Verify(), keys));
        Assert.Equal(next.Public.Key, anew.Of(Attester.Capability).Attestation!.Key);
        Assert.Same(catalog, Changed(catalog, Register())); // the same again changes nothing
    }

    [Fact]
    public void Each_step_before_its_time_is_refused_with_its_name()
    {
        Assert.Equal(RecoveryErrorCode.UnknownCapability, Refusal(CapabilityCatalog.Empty, Verify()));
        Assert.Equal(RecoveryErrorCode.UnknownCapability, Refusal(CapabilityCatalog.Empty, Activate()));
        Assert.Equal(RecoveryErrorCode.IllegalTransition, Refusal(Changed(CapabilityCatalog.Empty, Register()), Activate()));
        Assert.Equal(RecoveryErrorCode.UntrustedEvidence, Refusal(Changed(CapabilityCatalog.Empty, Register()), Verify()));
        Assert.Equal(RecoveryErrorCode.MalformedEvidence, Refusal(CapabilityCatalog.Empty, Register() with { Evidence = new CapabilityEvidence(new byte[1], new byte[1]) }));
    }

    [Fact]
    public void Who_asks_for_a_verification_cannot_say_what_it_finds()
    {
        var catalog = Changed(CapabilityCatalog.Empty, Register());
        var told = Verify() with { Attestation = new Attestation(_attester.Issuer, _attester.Public.Key, Attester.Builder, Attester.Capability.Digest, 1) };

        Assert.Equal(RecoveryErrorCode.UntrustedEvidence, Refusal(catalog, told));
    }

    [Fact]
    public void However_changes_follow_each_other_what_is_active_was_verified_and_what_was_revoked_never_is()
    {
        CapabilityChange[] all = [Trust(), Register(), Verify(), Activate(), Revoke(), CapabilityChange.Distrust(_attester.Trusted, 1, Sample.Operator, "breached")];
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, all.Length - 1)).ToArbitrary(), indices =>
        {
            var (catalog, isTrusted, isVerified, isActive, isRevoked) = (CapabilityCatalog.Empty, false, false, false, false); // the simpler twin
            var isRegistered = false;
            foreach (var change in indices.Select(index => all[index]))
            {
                var before = catalog;
                try
                {
                    catalog = catalog.With(catalog.Completed(change, _attester.Keys));
                }
                catch (RecoveryException)
                {
                    catalog = before;
                }

                switch (change.Change)
                {
                    case CapabilityChangeKind.Trusted or CapabilityChangeKind.Distrusted:
                        isTrusted = change.Change == CapabilityChangeKind.Trusted;
                        break;
                    case CapabilityChangeKind.Registered:
                        isRegistered = true;
                        break;
                    case CapabilityChangeKind.Verified:
                        isVerified |= isRegistered && isTrusted && !isRevoked;
                        break;
                    case CapabilityChangeKind.Activated:
                        isActive |= isVerified && !isRevoked;
                        break;
                    case CapabilityChangeKind.Revoked:
                        (isRevoked, isActive, isVerified) = (true, false, false);
                        break;
                }

                Assert.Equal(isActive, catalog.Of(Attester.Capability).Phase == CapabilityPhase.Active);
                Assert.Equal(isActive && isTrusted, Judge(catalog).Capability is not null);
                Assert.Equal(isRevoked, catalog.Of(Attester.Capability).Phase == CapabilityPhase.Revoked);
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_record_of_every_kind_is_read_as_it_was_written()
    {
        CapabilityChange[] all = [Trust(), Register(), Verify(), Activate(), Revoke(), CapabilityChange.Distrust(_attester.Trusted, 1, Sample.Operator, "breached")];
        Assert.All(all, change => Assert.Equal(CapabilityJson.Write(change), CapabilityJson.Write(CapabilityJson.Read(CapabilityJson.Write(change)))));
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, Assert.Throws<RecoveryException>(() => CapabilityJson.Read("{\"change\":\"revoked\",\"at\":1,\"by\":\"o\",\"reason\":\"r\"}"u8)).Error.Code);
    }

    private CapabilityChange Trust() => CapabilityChange.Trust(_attester.Trusted, 1, Sample.Operator, "our release builds");

    private CapabilityChange Register() => CapabilityChange.Register(Attester.Capability, _evidence ??= _attester.Evidence(), 1, Sample.Operator, "built");

    private CapabilityEvidence? _evidence;

    private static CapabilityChange Verify() => CapabilityChange.Verify(Attester.Capability, 1, Sample.Operator, "looked at");

    private static CapabilityChange Activate() => CapabilityChange.Activate(Attester.Capability, 1, Sample.Operator, "approved");

    private static CapabilityChange Revoke() => CapabilityChange.Revoke(Attester.Capability, 1, Sample.Operator, "a hole");

    private CapabilityCatalog Changed(CapabilityCatalog catalog, params CapabilityChange[] changes) =>
        changes.Aggregate(catalog, (before, change) => before.With(before.Completed(change, _attester.Keys)));

    private RecoveryErrorCode Refusal(CapabilityCatalog catalog, CapabilityChange change) =>
        Assert.Throws<RecoveryException>(() => Changed(catalog, change)).Error.Code;

    private CapabilityRuling Judge(CapabilityCatalog catalog, string? code = null) => catalog.Judge(Hotel, Attester.Named("hotel", code).Digest, _attester.Keys);
}
