using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>Input from outside and its responses, and what a foreign agent needs: its inbox, and its journal.</summary>
internal static class AgentEndpoints
{
    internal static void Map(RouteGroupBuilder execution)
    {
        execution.MapPost("/agents/{agent}/inputs", SendAsync).WithName("post_input")
            .WithSummary("Sends input from outside to an agent. The header Idempotency-Key is required: repeated with it, the input is sent once.")
            .Accepts<Input>(Body.Json).Produces<SentInput>(StatusCodes.Status201Created);
        execution.MapGet("/responses/{sequence}", ResponseAsync).WithName("get_response")
            .WithSummary("The response to input from outside; 204 when it is not there within ?wait= seconds.")
            .Produces<AgentResponse>().Produces(StatusCodes.Status204NoContent);
        execution.MapGet("/agents/{agent}/inbox", InboxAsync).WithName("get_inbox")
            .WithSummary("What a foreign agent may consume; waits up to ?wait= seconds for it. ?request= asks for the response to the agent's own request too.").Produces<Inbox>();
        execution.MapGet("/agents/{agent}/records", RecordsAsync).WithName("get_records")
            .WithSummary("A journal from ?from= on.").Produces<Page<PositionedRecord>>();
        execution.MapPost("/agents/{agent}/records", AppendAsync).WithName("post_records")
            .WithSummary("Appends to a foreign agent's journal, all or nothing, at the length that it has. The same records at the same place again do nothing.")
            .Accepts<Append>(Body.Json).Produces<Appended>();
    }

    private static async Task<IResult> SendAsync(string tenant, string execution, string agent, HttpContext http, RecoveryApi api)
    {
        var key = RecoveryApi.KeyOf(http);
        var input = await Body.ReadAsync<Input>(http.Request);
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Send, agent: AgentId.Parse(agent));
        if (!JournalRules.IsName(input.Type))
        {
            throw Body.Violation(new FormatException($"The type has 1 to {JournalRules.NameLengthMax} characters."));
        }

        var message = await api.Foreign.SendAsync(address, AgentId.Parse(agent), input.Type, input.Payload, input.AwaitsReply, key, http.RequestAborted);
        var response = input.AwaitsReply ? $"/v1/tenants/{address.Tenant}/executions/{address.Execution}/responses/{message.Sequence}" : null;
        return Answer.Json(http, new SentInput(message, response), StatusCodes.Status201Created);
    }

    private static async Task<IResult> ResponseAsync(string tenant, string execution, string sequence, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Send);
        var request = new MessageId(Outside.Agent, SequenceNumber.Of(RecoveryApi.NumberOf("sequence", sequence)));
        var response = await api.Foreign.ResponseAsync(address, request, RecoveryApi.PatienceOf(http), http.RequestAborted);
        _ = await api.EnterAsync(http, tenant, execution, AccessKind.Send); // while it waited, the right may have been taken away
        return response is null ? Results.NoContent() : Answer.Json(http, response);
    }

    private static async Task<IResult> InboxAsync(string tenant, string execution, string agent, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Speak, agent);
        var asked = http.Request.Query["request"].ToString();
        var request = asked.Length == 0 ? (SequenceNumber?)null : SequenceNumber.Of(RecoveryApi.NumberOf("request", asked));
        var inbox = await api.Foreign.InboxAsync(address, AgentId.Parse(agent), request, RecoveryApi.PatienceOf(http), http.RequestAborted);
        _ = await api.EnterAsync(http, tenant, execution, AccessKind.Speak, agent); // as above
        return Answer.Json(http, new Inbox(inbox.Next, inbox.IsHeld, [.. inbox.Messages.Select(message => WaitingMessage.Of(address, message))]));
    }

    private static async Task<IResult> RecordsAsync(string tenant, string execution, string agent, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Speak, agent);
        _ = await api.Client.StatusAsync(address, http.RequestAborted); // an execution that is not there is named so
        var stream = StreamId.OfAgent(address, AgentId.Parse(agent));
        var page = await RecordPage.ReadAsync(api.Journal, stream, http, $"/v1/tenants/{tenant}/executions/{execution}/agents/{agent}/records");
        var items = new List<PositionedRecord>(page.Items.Count);
        foreach (var item in page.Items)
        {
            items.Add(item with { Message = await ConsumedAsync(api, address, item.Record, http.RequestAborted) });
        }

        return Answer.Json(http, page with { Items = items });
    }

    private static async Task<WaitingMessage?> ConsumedAsync(RecoveryApi api, ExecutionAddress address, JsonElement record, CancellationToken cancellationToken)
    {
        if (AgentEventJson.Parse(record) is not MessageConsumed consumed)
        {
            return null;
        }

        var message = new PendingMessage(consumed.Message, consumed.SentIn, consumed.SenderIncarnation);
        return WaitingMessage.Of(address, await AgentJournal.ReadMessageAsync(api.Journal, address, message, cancellationToken));
    }

    private static async Task<IResult> AppendAsync(string tenant, string execution, string agent, HttpContext http, RecoveryApi api)
    {
        var append = await Body.ReadAsync<Append>(http.Request);
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Speak, agent);
        List<AgentEvent> records;
        try
        {
            records = [.. append.Records.Select(AgentEventJson.Parse)];
        }
        catch (Exception invalid) when (invalid is JsonException or InvalidOperationException)
        {
            throw Body.Violation(invalid);
        }

        if (records.Count == 0)
        {
            throw Body.Violation(new FormatException("There are no records."));
        }

        return Answer.Json(http, new Appended(await api.Foreign.AppendAsync(address, AgentId.Parse(agent), SequenceNumber.Of(append.At), records, http.RequestAborted)));
    }
}
