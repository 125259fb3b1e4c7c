using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>Stored records, page by page; the ledger also as lines, byte by byte, so that it can be verified.</summary>
internal static class RecordPage
{
    private const string JsonLines = "application/jsonl";

    internal static void MapLedger(RouteGroupBuilder tenant) => tenant.MapGet("/ledger", LedgerAsync).WithName("get_ledger")
        .WithSummary("The tenant's ledger from ?from= on; with Accept: application/jsonl as it is stored, one record a line, for 'recovery ledger verify'.")
        .Produces<Page<PositionedRecord>>(StatusCodes.Status200OK, Body.Json, JsonLines);

    internal static async Task<Page<PositionedRecord>> ReadAsync(IJournal journal, StreamId stream, HttpContext http, string path)
    {
        var (from, limit) = (RecoveryApi.FromOf(http), RecoveryApi.LimitOf(http));
        var items = new List<PositionedRecord>();
        await foreach (var stored in journal.ReadAsync(stream, from, http.RequestAborted))
        {
            if (items.Count == limit)
            {
                return new Page<PositionedRecord>(items, $"{path}?from={stored.Position}&limit={limit}");
            }

            using var document = JsonDocument.Parse(stored.Body);
            items.Add(new PositionedRecord(stored.Position, document.RootElement.Clone()));
        }

        return new Page<PositionedRecord>(items, null);
    }

    private static async Task<IResult> LedgerAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        var stream = StreamId.OfLedger(owner);
        if (!http.Request.GetTypedHeaders().Accept.Any(accepted => accepted.MediaType == JsonLines))
        {
            return Answer.Json(http, await ReadAsync(api.Journal, stream, http, $"/v1/tenants/{owner}/ledger"));
        }

        var from = RecoveryApi.FromOf(http);
        return Results.Stream(
            async output =>
            {
                await foreach (var stored in api.Journal.ReadAsync(stream, from, http.RequestAborted))
                {
                    await output.WriteAsync(stored.Body, http.RequestAborted);
                    await output.WriteAsync("\n"u8.ToArray(), http.RequestAborted);
                }
            },
            JsonLines);
    }
}
