using OrleansRecovery.Http.Agents;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Foreign;

/// <summary>A foreign agent that signs its signals, at a host that takes no others.</summary>
public sealed class SignedAgentTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-signed-agent-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TypeScriptFact]
    public async Task An_agent_in_TypeScript_that_was_killed_in_doubt_signals_itself_with_its_own_key()
    {
        var port = AgentProcess.FreePort();
        using var endpoint = new HttpForeignAgent(new Uri($"http://127.0.0.1:{port}/"));
        await using var server = await TestServer.StartAsync(
            new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["typescript"] = endpoint },
            configure: options => options with { Signals = SignalPolicy.Default with { Signatures = SignatureRule.Always } });
        var file = Path.Combine(_folder, "hotel.pem");
        using (var key = SigningKey.Create(file))
        {
            await server.ChangeKeysAsync(_ => [IssuerKeyChange.Add(IssuerId.Parse("hotel"), key.Public, 0, IssuerId.Parse("ann"), "enrolled")]);
        }

        await server.Client.StartAsync("hotel=typescript");
        using var hotel = AgentProcess.Agent("typescript", _folder, "hotel", port, "acme/trip", server.Addresses).With("--sign-with", file);
        var isKilled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.OnRecord = (_, text) =>
        {
            if (text.Contains("\"event\":\"action_intended\"", StringComparison.Ordinal) && !isKilled.Task.IsCompleted)
            {
                hotel.Kill();
                isKilled.TrySetResult();
            }
        };
        hotel.Start();
        await server.Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await isKilled.Task.WaitAsync(TimeSpan.FromMinutes(3));

        hotel.Start();

        await server.Client.SettledAsync(1);
        var entries = (await server.Client.GetAsync("entries")).Json["items"]!.AsArray();
        var accepted = Assert.Single(entries, entry => (string?)entry!["kind"] == "signal_accepted")!;
        Assert.Equal("hotel", (string?)accepted["actor"]);
    }
}
