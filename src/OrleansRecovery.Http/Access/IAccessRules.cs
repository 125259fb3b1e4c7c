using System.Security.Claims;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Http.Access;

/// <summary>What a request wants to do.</summary>
public enum AccessKind
{
    /// <summary>Look: status, plans, recoveries, the ledger, progress.</summary>
    Read,

    /// <summary>Start an execution.</summary>
    Start,

    /// <summary>Send input from outside, and read its response.</summary>
    Send,

    /// <summary>Signal a failure; the sender is the issuer.</summary>
    Signal,

    /// <summary>Speak for a foreign agent; the sender is the agent.</summary>
    Speak,

    /// <summary>Decide about a recovery, pause, resume or seal; the sender is who decides.</summary>
    Decide,

    /// <summary>Pass on what others signed.</summary>
    Relay,

    /// <summary>Give issuers keys and take them away, and end a suspension; the sender is who does it.</summary>
    Administer,
}

/// <summary>One request, as far as it matters who may make it.</summary>
/// <param name="Kind">What it wants to do.</param>
/// <param name="Tenant">In which tenant.</param>
/// <param name="Execution">In which execution; null for what is the tenant's.</param>
/// <param name="Sender">In whose name: an issuer or an agent; null where none is given.</param>
/// <param name="Agent">About which agent it signals, or to which it sends; null for everything else.</param>
/// <param name="IsSigned">A signature proves the sender: it counts, and not over whose connection it came (draft, R-SEC-2).</param>
public sealed record AccessRequest(AccessKind Kind, TenantId Tenant, ExecutionId? Execution, string? Sender, AgentId? Agent = null, bool IsSigned = false);

/// <summary>
/// May this sender send this (draft, R-HTT-8, R-HTT-13)? Asked before anything is looked up, so that a refusal tells nothing of what exists.
/// </summary>
public interface IAccessRules
{
    /// <summary>May it?</summary>
    ValueTask<bool> MayAsync(ClaimsPrincipal peer, AccessRequest request, CancellationToken cancellationToken);
}

/// <summary>Everybody who can reach the server may do everything: for a server on the loopback interface, which is what it is by default.</summary>
public sealed class OpenAccess : IAccessRules
{
    /// <inheritdoc/>
    public ValueTask<bool> MayAsync(ClaimsPrincipal peer, AccessRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(true);
}
