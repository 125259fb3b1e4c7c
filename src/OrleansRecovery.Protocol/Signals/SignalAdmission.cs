using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>Whether a signal was admitted.</summary>
/// <param name="Window">What is remembered from here on. A refusal costs the issuer quota too, and changes nothing else.</param>
/// <param name="Refusal">Why not, or null when it was admitted.</param>
/// <param name="IsRecorded">Is a refusal recorded? Not when the issuer's quota is used up: a flood would fill the ledger.</param>
/// <param name="Conduct">What the ledger will say of the tenant's issuers from here on; null where none was given.</param>
public sealed record SignalVerdict(SignalWindow Window, RecoveryError? Refusal, bool IsRecorded, TenantConduct? Conduct = null)
{
    /// <summary>Was it admitted?</summary>
    public bool IsAdmitted => Refusal is null;
}

/// <summary>
/// Decides whether a failure signal is admitted: tenant, scope, freshness, uniqueness, quota, conduct of the issuer, damping and
/// existence, in this order (recovery model, section 4). The signature is
/// checked before. Pure; the new window counts when the admitted signal is durable in the execution's log. What a host signals itself, when a turn fails, is
/// not decided here: nobody else may use its name.
/// </summary>
public static class SignalAdmission
{
    /// <summary>Decides about a signal.</summary>
    /// <param name="window">What is remembered of the execution.</param>
    /// <param name="policy">Who may signal, how fresh, and how often.</param>
    /// <param name="signal">The signal.</param>
    /// <param name="execution">The execution that it came to.</param>
    /// <param name="isSealed">Is the suspect interval sealed, so that no failure of it is accepted any more?</param>
    /// <param name="fault">Why the suspect interval cannot be named, or null when it is there and live.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    /// <param name="conduct">What the tenant's ledger says of its issuers; null: nothing.</param>
    /// <param name="unanswered">Signals of the execution that an open recovery answers, or that wait for one; null: none.</param>
    public static SignalVerdict Decide(
        SignalWindow window,
        SignalPolicy policy,
        FailureSignal signal,
        ExecutionAddress execution,
        bool isSealed,
        RecoveryError? fault,
        long now,
        TenantConduct? conduct = null,
        IEnumerable<FailureSignal>? unanswered = null)
    {
        var known = window.Forget(policy, now);
        var quota = known.QuotaOf(signal.Issuer, policy, now);
        var hasQuota = quota.Has(1);
        var refusal = TenantRefusal(signal, execution)
            ?? ScopeRefusal(policy, signal)
            ?? FreshnessRefusal(policy, signal, isSealed, now)
            ?? (known.Has(signal) ? Repeated(signal) : null)
            ?? (hasQuota ? null : OverQuota(policy, signal, quota))
            ?? conduct?.RefusalOf(signal.Issuer, now)
            ?? Damping(signal, unanswered ?? [])
            ?? fault;
        var charged = hasQuota ? known.With(signal.Issuer, quota.Taken(1)) : known;
        if (refusal is null)
        {
            return new SignalVerdict(charged.With(signal), null, IsRecorded: true, conduct?.Admitted(signal.Issuer, now));
        }

        var isRecorded = hasQuota && refusal.Code != RecoveryErrorCode.QuotaExceeded;
        return new SignalVerdict(charged, refusal, isRecorded, isRecorded ? conduct?.Refused(signal.Issuer, now) : conduct);
    }

    internal static bool IsExpired(long expiresAt, SignalPolicy policy, long now) => expiresAt < now - policy.ClockSkewMilliseconds;

    private static RecoveryError? TenantRefusal(FailureSignal signal, ExecutionAddress execution) =>
        signal.Tenant == execution.Tenant && signal.Execution == execution.Execution
            ? null
            : new RecoveryError(
                RecoveryErrorCode.ForeignTenant,
                $"The signal {signal.Signal} is about {new ExecutionAddress(signal.Tenant, signal.Execution)}, and came to {execution}.",
                "The refusal was recorded; nothing else was changed.",
                "Send it to the execution that it names.");

    private static RecoveryError? ScopeRefusal(SignalPolicy policy, FailureSignal signal) =>
        signal.Issuer != SignalPolicy.Host && policy.Allows(signal.Issuer, signal.Suspect.Agent)
            ? null
            : new RecoveryError(
                RecoveryErrorCode.NotAuthorized,
                $"The issuer {signal.Issuer} may not signal about agent {signal.Suspect.Agent}.",
                "The refusal was recorded; nothing else was changed.",
                "Have an operator add a scope to the host's signal policy, or let an issuer signal who may.");

    private static RecoveryError? FreshnessRefusal(SignalPolicy policy, FailureSignal signal, bool isSealed, long now)
    {
        if (IsExpired(signal.ExpiresAt, policy, now))
        {
            return Stale(signal, "has expired");
        }

        if (signal.DetectedAt > now + policy.ClockSkewMilliseconds)
        {
            return Stale(signal, "is from the future");
        }

        if (signal.ExpiresAt <= signal.DetectedAt)
        {
            return Stale(signal, "expires before it was detected");
        }

        if (signal.DetectedAt < signal.ExpiresAt - policy.ValidityMilliseconds)
        {
            return Stale(signal, $"is to be valid for longer than {policy.ValidityMilliseconds} ms");
        }

        return isSealed ? Stale(signal, $"is about {signal.Suspect}, which was validated or is older than the detection window") : null;
    }

    private static RecoveryError Stale(FailureSignal signal, string what) => new(
        RecoveryErrorCode.StaleSignal,
        $"The signal {signal.Signal} {what}.",
        "The refusal was recorded; nothing else was changed.",
        "Send a new signal with an id of its own if the failure is real.");

    private static RecoveryError Repeated(FailureSignal signal) => new(
        RecoveryErrorCode.RepeatedSignal,
        $"The signal {signal.Signal} of {signal.Issuer} was admitted before.",
        "It counts once; the refusal was recorded, and nothing else was changed.",
        "Nothing, if it is the same signal; give another failure an id of its own.");

    // Said anew under another name, while the same claim of the same issuer is being answered, or a wider one: it would undo nothing more, and cost others votes. Another
    // issuer's is not damped: it is a corroboration.
    private static RecoveryError? Damping(FailureSignal signal, IEnumerable<FailureSignal> unanswered)
    {
        var wider = unanswered.FirstOrDefault(earlier => earlier.Issuer == signal.Issuer && earlier.Suspect.Agent == signal.Suspect.Agent
            && earlier.Incarnation == signal.Incarnation && earlier.Suspect.Number <= signal.Suspect.Number);
        return wider is null ? null : new RecoveryError(
            RecoveryErrorCode.DampedSignal,
            $"The signal {signal.Signal} of {signal.Issuer} says of {signal.Suspect} what its signal {wider.Signal} about {wider.Suspect} says already.",
            "The one before counts; the refusal was recorded, and nothing else was changed.",
            "Wait for the outcome of the open recovery; signal again if the failure is still there.");
    }

    private static RecoveryError OverQuota(SignalPolicy policy, FailureSignal signal, TokenBucket quota)
    {
        var wait = quota.WaitFor(1, policy.IssuerQuota);
        return new RecoveryError(
            RecoveryErrorCode.QuotaExceeded,
            $"The issuer {signal.Issuer} has used up its {policy.QuotaPerMinute} signals a minute.",
            "The signal was counted and not recorded; nothing was changed.",
            $"Send it again in {wait} ms or later.");
    }
}
