using System.Diagnostics;
using System.Text.Json;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using OrleansRecovery.TestMcpServer;

// What it did, line by line, stands in the file of the first argument; the second one is a description that may change. With a third one it speaks over HTTP to whoever has
// that token, tells its address first, and repeats the token where it can.
var (log, description) = (args[0], args.Length > 1 ? args[1] : "Books a room.");
var tools = new McpServerPrimitiveCollection<McpServerTool>
{
    McpServerTool.Create(
        (RequestContext<CallToolRequestParams> request, string room) =>
        {
            File.AppendAllText(log, $"book {room} {Meta(request)}\n");
            if (room == "dies")
            {
                Process.GetCurrentProcess().Kill();
            }

            return room == "none" ? throw new ModelContextProtocol.McpException("there is no such room") : new Booking(room, $"{room}-1");
        },
        new McpServerToolCreateOptions { Name = "book", Description = description, UseStructuredContent = true }),
    McpServerTool.Create(
        (RequestContext<CallToolRequestParams> request, string id) =>
        {
            File.AppendAllText(log, $"cancel {id} {Meta(request)}\n");
            return id;
        },
        new McpServerToolCreateOptions { Name = "cancel", Description = "Cancels a booking." }),
};
if (args.Length > 2)
{
    tools.Add(McpServerTool.Create(() => $"told {args[2]}", new McpServerToolCreateOptions { Name = "variables", Description = "Repeats its token.", ReadOnly = true }));
    await OverHttp.RunAsync(tools, args[2]);
    return;
}

tools.Add(McpServerTool.Create(
    () => JsonSerializer.Serialize(Environment.GetEnvironmentVariables().Keys.Cast<string>().Order(StringComparer.Ordinal)),
    new McpServerToolCreateOptions { Name = "variables", Description = "Names of variables.", ReadOnly = true }));
await using var server = McpServer.Create(new StdioServerTransport("rooms"), new McpServerOptions { ToolCollection = tools, ServerInfo = new Implementation { Name = "rooms", Version = "1" } });
await server.RunAsync();

static string Meta(RequestContext<CallToolRequestParams> request) =>
    $"{request.Params!.Meta?["orleansrecovery/idempotency-key"]} {request.Params.Meta?["orleansrecovery/action"]}";
