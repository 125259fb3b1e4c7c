using System.Globalization;
using Microsoft.AspNetCore.Http;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Objectives;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>What every resource is made from: a host, its journals to read, the rules of access, and the clock.</summary>
internal sealed record RecoveryApi(
    IRecoveryClient Client, IForeignClient Foreign, ITenantClient Tenants, IJournal Journal, IAccessRules Access, TimeProvider Time)
{
    /// <summary>Where it is proven who a message comes from.</summary>
    internal OriginCheck Origin { get; } = new(Journal, Time);

    /// <summary>Which signals must be signed that come over the loopback interface; from elsewhere all.</summary>
    internal required SignalPolicy Signals { get; init; }

    /// <summary>Was the certificate shut out with which this request came, also over a connection that is older?</summary>
    internal required Func<HttpContext, bool> IsShutOut { get; init; }

    /// <summary>What tenants' ledgers say of their issuers, by the host's signal policy.</summary>
    internal required ConductReader Conduct { get; init; }

    /// <summary>How tenants stand by the host's service level objectives.</summary>
    internal required ObjectiveReader Objectives { get; init; }

    /// <summary>Longest wait of a request for something to happen.</summary>
    internal static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(30);

    private const int PageDefault = 100;
    private const int PageMax = 1_000;

    /// <summary>The execution that a path names, once it is known that the request may be made.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>, <c>NotAuthorized</c>.</exception>
    internal async Task<ExecutionAddress> EnterAsync(
        HttpContext http, string tenant, string execution, AccessKind kind, string? sender = null, AgentId? agent = null, bool isSigned = false)
    {
        var address = new ExecutionAddress(TenantId.Parse(tenant), ExecutionId.Parse(execution));
        await RequireAsync(http, new AccessRequest(kind, address.Tenant, address.Execution, sender, agent, isSigned));
        return address;
    }

    internal async Task RequireAsync(HttpContext http, AccessRequest request)
    {
        if (!await MayAsync(http, request))
        {
            RecoveryMetrics.AccessRefused(AccessRefusal.Rule, WireNames.Of(request.Kind));
            throw Refusal;
        }
    }

    /// <summary>May it now? An answer that takes time asks again before it is given.</summary>
    internal async ValueTask<bool> MayAsync(HttpContext http, AccessRequest request) => !IsShutOut(http) && await Access.MayAsync(http.User, request, http.RequestAborted);

    /// <summary>The one refusal, which tells nothing of why.</summary>
    internal static RecoveryException Refusal => RecoveryException.Of(
        RecoveryErrorCode.NotAuthorized,
        "The sender may not send this.",
        "It was refused; nothing was changed.",
        "Ask the operator of this server for the right to do it.");

    /// <summary>The tenant that a path names, once it is known that the request may be made.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>, <c>NotAuthorized</c>.</exception>
    internal async Task<TenantId> EnterTenantAsync(HttpContext http, string tenant, AccessKind kind, IssuerId? sender = null)
    {
        var owner = TenantId.Parse(tenant);
        await RequireAsync(http, new AccessRequest(kind, owner, null, sender?.Text));
        return owner;
    }

    internal static Interval IntervalOf(string agent, string number) => new(AgentId.Parse(agent), CheckpointNumber.Of(NumberOf("interval", number)));

    internal static long NumberOf(string name, string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw RecoveryException.Of(RecoveryErrorCode.InvalidNumber, $"The {name} is no number.", "Nothing was changed.", "Write it in decimal digits.");

    /// <summary>How many items a page has, from <c>?limit=</c>.</summary>
    internal static int LimitOf(HttpContext http)
    {
        var text = http.Request.Query["limit"].ToString();
        return text.Length == 0 ? PageDefault : (int)Math.Clamp(NumberOf("limit", text), 1, PageMax);
    }

    /// <summary>A position, from the query; the first one where it is missing.</summary>
    internal static long FromOf(HttpContext http)
    {
        var text = http.Request.Query["from"].ToString();
        return text.Length == 0 ? 0 : NumberOf("position", text);
    }

    /// <summary>How long a request waits, from <c>?wait=</c> in seconds; not at all where it is missing.</summary>
    internal static TimeSpan PatienceOf(HttpContext http)
    {
        var text = http.Request.Query["wait"].ToString();
        return text.Length == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(NumberOf("wait", text), (long)PatienceMax.TotalSeconds));
    }

    /// <summary>The client's own name for a write, which it repeats with it.</summary>
    internal static string KeyOf(HttpContext http)
    {
        var key = http.Request.Headers["Idempotency-Key"].ToString().Trim('"');
        return TermText.TryValidate("Idempotency-Key", key, out var error) ? key : throw new RecoveryException(error);
    }

    internal static string Required(string? text, string name) => !string.IsNullOrWhiteSpace(text)
        ? text
        : throw Body.Violation(new FormatException($"The {name} is missing."));
}
