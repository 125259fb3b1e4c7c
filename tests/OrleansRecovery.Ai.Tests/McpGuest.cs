using System.Text.Json;
using OrleansRecovery.Ai.Mcp;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Ai.Tests;

/// <summary>An agent that books rooms by a tool of an MCP server.</summary>
internal static class McpGuest
{
    public static AgentId Id { get; } = AgentId.Parse("guest");

    public static async Task<LocalRecoveryHost> OpenAsync(McpTools tools, RecoveryPolicy? policy = null)
    {
        var host = await LocalRecoveryHost.OpenAsync(new InMemoryJournal(), new AgentCatalog().Add(() => new GuestAgent(tools)));
        await host.StartAsync(new ExecutionStart(ModelStage.Execution, [new AgentAssignment(Id, new AgentClass(nameof(GuestAgent)))], policy ?? new RecoveryPolicy { ActionTimeoutMilliseconds = 120_000 }));
        return host;
    }

    public static async Task<string> AskAsync(LocalRecoveryHost host, string text) =>
        (await host.AskAsync<Ask, Said>(ModelStage.Execution, Id, new Ask(text)).WaitAsync(ModelStage.Patience)).Text;

    private sealed class GuestAgent(McpTools tools) : Agent<ModelState>
    {
        protected override void Define(AgentDefinition<ModelState> agent)
        {
            var book = tools.Action(agent, "book");
            var variables = tools.Action(agent, "variables");
            agent.On<Ask>(async (ask, context) =>
            {
                try
                {
                    var said = ask.Text == "variables"
                        ? (await context.ActAsync(variables, JsonElement.Parse("{}"))).Text
                        : (await context.ActAsync(book, JsonSerializer.SerializeToElement(new { room = ask.Text }))).Value!.Value.GetProperty("id").GetString()!;
                    context.Reply(new Said(said));
                }
                catch (ActionFailedException failed)
                {
                    context.Reply(new Said($"failed: {failed.Reason}"));
                }
            });
        }
    }
}
