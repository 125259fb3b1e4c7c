using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>What users and operators do with executions and recoveries.</summary>
internal static class ExecutionEndpoints
{
    internal static void Map(RouteGroupBuilder tenant, RouteGroupBuilder execution)
    {
        tenant.MapGet("/executions", ListAsync).WithName("list_executions")
            .WithSummary("The tenant's executions by name; ?phase= filters, ?after= and ?limit= page.").Produces<Page<ListedExecution>>();
        execution.MapPut("", StartAsync).WithName("start_execution")
            .WithSummary("Starts an execution. Again with the same content it does nothing.").Accepts<StartedExecution>(Body.Json).Produces<ExecutionStatus>();
        execution.MapGet("", StatusAsync).WithName("get_status").WithSummary("Where an execution, its agents and its recoveries stand.").Produces<ExecutionStatus>();
        execution.MapGet("/plan", PlanAsync).WithName("get_plan")
            .WithSummary("What would fall if an interval failed (?suspect=agent/number). Changes nothing.").Produces<RecoveryPreview>();
        execution.MapGet("/recoveries", RecoveriesAsync).WithName("list_recoveries").WithSummary("An execution's recoveries, oldest first.").Produces<Page<RecoveryStatus>>();
        execution.MapGet("/recoveries/{recovery}", RecoveryAsync).WithName("get_recovery").WithSummary("Where a recovery stands, also long after its end.").Produces<RecoveryStatus>();
        execution.MapPost("/recoveries/{recovery}/rulings", RuleAsync).WithName("post_ruling")
            .WithSummary("An operator decides: approve, reject, force or retry, about the plan that was looked at.").Accepts<PostedRuling>(Body.Json).Produces<RecoveryStatus>();
        execution.MapPut("/paused", PauseAsync).WithName("put_paused")
            .WithSummary("Pauses the agents, or lets them consume again. Recoveries go on.").Accepts<Paused>(Body.Json).Produces<ExecutionStatus>();
        execution.MapPut("/agents/{agent}/intervals/{interval}/seal", SealAsync).WithName("put_seal")
            .WithSummary("Says that an interval was validated: no failure of it is accepted any more.").Accepts<Seal>(Body.Json).Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<IResult> ListAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        var wanted = http.Request.Query["phase"].ToString();
        if (wanted.Length > 0 && !WireNames.TryParse<ExecutionPhase>(wanted, out _))
        {
            throw Body.Violation(new FormatException($"The phase is none of {string.Join(", ", WireNames.All<ExecutionPhase>())}."));
        }

        var limit = RecoveryApi.LimitOf(http);
        var after = http.Request.Query["after"].ToString() is { Length: > 0 } last ? ExecutionId.Parse(last) : (ExecutionId?)null;
        var found = new List<ListedExecution>();
        var addresses = await api.Foreign.ListAsync(owner, after, limit, http.RequestAborted);
        foreach (var address in addresses)
        {
            var status = await api.Client.StatusAsync(address, http.RequestAborted);
            if (wanted.Length == 0 || WireNames.Of(status.Phase) == wanted)
            {
                var waitsFor = status.Recoveries.FirstOrDefault(recovery => recovery.WaitsFor is not null)?.WaitsFor;
                found.Add(new ListedExecution(address.Execution, status.Phase, status.Agents.Count, status.Recoveries.Count, status.PendingMessages, waitsFor));
            }
        }

        var next = addresses.Count < limit ? null : $"/v1/tenants/{owner}/executions?after={Uri.EscapeDataString(addresses[^1].Execution.Text)}&limit={limit}&phase={wanted}";
        return Answer.Json(http, new Page<ListedExecution>(found, next));
    }

    private static async Task<IResult> StartAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var start = await Body.ReadAsync<StartedExecution>(http.Request);
        if (start.Agents.Any(agent => agent is null))
        {
            throw Body.Violation(new FormatException("An agent is null."));
        }

        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Start);
        await api.Client.StartAsync(
            new ExecutionStart(
                address,
                [.. start.Agents.Select(agent => new AgentAssignment(agent.Agent, new AgentClass(agent.Class), agent.Fallback is { } fallback ? new AgentClass(fallback) : null))],
                start.Policy ?? RecoveryPolicy.Default),
            http.RequestAborted);
        return Answer.Json(http, await api.Client.StatusAsync(address, http.RequestAborted));
    }

    private static async Task<IResult> StatusAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Read);
        return Answer.Json(http, await api.Client.StatusAsync(address, http.RequestAborted));
    }

    private static async Task<IResult> PlanAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Read);
        var suspect = http.Request.Query["suspect"].ToString().Split('/') is [var agent, var number]
            ? RecoveryApi.IntervalOf(agent, number)
            : throw Body.Violation(new FormatException("The suspect is no interval: write it as agent/number."));
        return Answer.Json(http, await api.Client.PlanAsync(address, suspect, http.RequestAborted));
    }

    private static async Task<IResult> RecoveriesAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Read);
        var (from, limit) = (RecoveryApi.FromOf(http), RecoveryApi.LimitOf(http));
        var all = (await api.Client.StatusAsync(address, http.RequestAborted)).Recoveries;
        var page = all.Skip((int)Math.Min(from, all.Count)).Take(limit).ToList();
        var next = from + page.Count >= all.Count ? null : $"/v1/tenants/{address.Tenant}/executions/{address.Execution}/recoveries?from={from + page.Count}&limit={limit}";
        return Answer.Json(http, new Page<RecoveryStatus>(page, next));
    }

    private static async Task<IResult> RecoveryAsync(string tenant, string execution, string recovery, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Read);
        return Answer.Json(http, await api.Client.RecoveryAsync(address, RecoveryId.Parse(recovery), http.RequestAborted));
    }

    private static async Task<IResult> RuleAsync(string tenant, string execution, string recovery, HttpContext http, RecoveryApi api)
    {
        var ruling = await Body.ReadAsync<PostedRuling>(http.Request);
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Decide, ruling.By.Text);
        var about = RecoveryId.Parse(recovery);
        await api.Client.DecideAsync(address, about, ruling.Ruling, ruling.By, RecoveryApi.Required(ruling.Reason, "reason"), ruling.Plan, http.RequestAborted);
        return Answer.Json(http, await api.Client.RecoveryAsync(address, about, http.RequestAborted));
    }

    private static async Task<IResult> PauseAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var paused = await Body.ReadAsync<Paused>(http.Request);
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Decide, paused.By.Text);
        var reason = RecoveryApi.Required(paused.Reason, "reason");
        await (paused.Value
            ? api.Client.PauseAsync(address, paused.By, reason, http.RequestAborted)
            : api.Client.ResumeAsync(address, paused.By, reason, http.RequestAborted));
        return Answer.Json(http, await api.Client.StatusAsync(address, http.RequestAborted));
    }

    private static async Task<IResult> SealAsync(string tenant, string execution, string agent, string interval, HttpContext http, RecoveryApi api)
    {
        var seal = await Body.ReadAsync<Seal>(http.Request);
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Decide, seal.By.Text);
        await api.Client.SealAsync(address, RecoveryApi.IntervalOf(agent, interval), seal.By, http.RequestAborted);
        return Results.NoContent();
    }
}
