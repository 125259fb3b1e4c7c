using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>The coordinator endpoint of an execution (draft, section {#http}).</summary>
internal static class MessageEndpoints
{
    internal static void Map(RouteGroupBuilder execution) => execution.MapPost("/messages", PostAsync)
        .WithName("post_message")
        .WithSummary("Takes a failure signal, or what a participant says to the coordinator. 202 for a signal: it is admitted and durable.")
        .Accepts<FailureSignal>(Body.Message, Body.SignedMessageType)
        .Produces<SignalReceipt>(StatusCodes.Status202Accepted);

    internal static void MapMetadata(IEndpointRouteBuilder routes) => routes.MapGet("/.well-known/agent-recovery", (HttpContext http) =>
            Answer.Json(http, new Metadata([RecoveryMessage.SchemaVersion], $"{http.Request.Scheme}://{http.Request.Host}/v1/tenants/{{tenant}}/executions/{{execution}}/messages", SignedMessage.Algorithms)))
        .WithName("get_metadata")
        .WithSummary("Where messages go. It gives no right to send any.")
        .Produces<Metadata>();

    private static async Task<IResult> PostAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var (received, signed) = await Body.MessageAsync(http.Request);
        var said = received.Message;
        var (kind, sender) = said switch
        {
            FailureSignal signal => (AccessKind.Signal, signal.Issuer.Text),
            Vote or Compensated or Restored or StatusQuery => (AccessKind.Speak, ((ParticipantMessage)said).Agent.Text),
            _ => throw RecoveryException.Of(
                RecoveryErrorCode.SchemaViolation,
                $"A coordinator takes no {WireNames.Of(said.Kind)}.",
                "Nothing was changed.",
                "Send it to the participant, or to those who follow the execution."),
        };
        await ProveAsync(TenantId.Parse(tenant), http, api, said, signed);
        var address = await api.EnterAsync(http, tenant, execution, kind, sender, (said as FailureSignal)?.Suspect.Agent, signed is not null);
        if (received.RefusalAt(address) is { } foreign)
        {
            throw new RecoveryException(foreign);
        }

        if (said is FailureSignal claim)
        {
            return Answer.Json(http, await api.Client.SignalAsync(claim, http.RequestAborted), StatusCodes.Status202Accepted);
        }

        await api.Foreign.TellAsync(address, (ParticipantMessage)said, http.RequestAborted);
        return Results.StatusCode(StatusCodes.Status202Accepted);
    }

    // Form, then origin, then all else (draft, R-ADM-1). What a participant says unsigned is its connection's to prove: the rules of access ask for that.
    private static async Task ProveAsync(TenantId tenant, HttpContext http, RecoveryApi api, RecoveryMessage said, SignedMessage? signed)
    {
        if (signed is not null)
        {
            await api.Origin.RequireAsync(tenant, signed, http.RequestAborted);
        }
        else if (said is FailureSignal unsigned)
        {
            var isNear = http.Connection.RemoteIpAddress is { } peer && IPAddress.IsLoopback(peer);
            await api.Origin.RequireAsync(tenant, unsigned, isNear ? api.Signals.Of(tenant).Signatures : SignatureRule.Always, http.RequestAborted);
        }
    }
}
