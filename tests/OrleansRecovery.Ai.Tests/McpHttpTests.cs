using System.Diagnostics;
using System.Text.Json;
using OrleansRecovery.Ai.Mcp;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Ai.Tests;

/// <summary>Tools of a real server over streamable HTTP, in a process of its own, that wants a token.</summary>
public sealed class McpHttpTests : IAsyncLifetime
{
    private const string Token = "t0ken-of-the-rooms";

    private readonly string _log = Path.GetTempFileName();
    private readonly string _variable = $"OR_TEST_TOKEN_{Guid.NewGuid():N}";
    private Process _server = null!;
    private Uri _endpoint = null!;

    public async Task InitializeAsync()
    {
        Environment.SetEnvironmentVariable(_variable, Token);
        _server = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "OrleansRecovery.TestMcpServer.dll"), _log, "Books a room.", Token])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        _endpoint = new Uri(await _server.StandardOutput.ReadLineAsync().WaitAsync(ModelStage.Patience) ?? throw new InvalidOperationException("The server did not start."));
    }

    public Task DisposeAsync()
    {
        Environment.SetEnvironmentVariable(_variable, null);
        _server.Kill();
        _server.Dispose();
        File.Delete(_log);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_call_over_http_shows_the_token_and_is_taken_back()
    {
        await using var tools = await McpTools.ConnectAsync(Settings());
        await using var host = await McpGuest.OpenAsync(tools);

        Assert.Equal("blue-1", await McpGuest.AskAsync(host, "blue"));
        await host.SignalAsync(ModelStage.Execution, new Interval(McpGuest.Id, CheckpointNumber.Of(1)), IssuerId.Parse("test"), "wrong");
        await host.SettledAsync(ModelStage.Execution).WaitAsync(ModelStage.Patience);

        var lines = await File.ReadAllLinesAsync(_log);
        Assert.StartsWith("book blue ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("cancel blue-1 ", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_a_server_repeats_is_blacked_out()
    {
        await using var tools = await McpTools.ConnectAsync(Settings());
        await using var host = await McpGuest.OpenAsync(tools);

        Assert.Contains("told [secret]", await McpGuest.AskAsync(host, "variables"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public async Task A_variable_without_a_token_is_named_and_the_server_is_not_asked(string? value)
    {
        Environment.SetEnvironmentVariable(_variable, value);

        var refused = await Assert.ThrowsAsync<RecoveryException>(() => McpTools.ConnectAsync(Settings()));

        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
        Assert.Contains(_variable, refused.Error.Cause, StringComparison.Ordinal);
    }

    private McpServerSettings Settings() => new()
    {
        Name = "rooms",
        Endpoint = _endpoint,
        TokenVariable = _variable,
        Tools = new Dictionary<string, McpToolSettings>
        {
            ["book"] = new()
            {
                Kind = McpToolKind.Compensatable,
                InputSchema = JsonElement.Parse("""{"type":"object","required":["room"],"properties":{"room":{"type":"string"}}}"""),
                Compensation = new McpCompensation("cancel", JsonElement.Parse("""{"id":"$result/id"}"""), JsonElement.Parse("""{"id":"$action"}""")),
            },
            ["variables"] = new() { Kind = McpToolKind.AsAnnotated },
        },
        ConnectTimeoutMilliseconds = 120_000,
    };
}
