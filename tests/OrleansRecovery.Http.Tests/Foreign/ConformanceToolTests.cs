using System.Globalization;
using OrleansRecovery.Http.Agents;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Runtime.Agents;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Http.Tests.Foreign;

/// <summary><c>recovery conformance</c> passes what conforms, and finds what does not.</summary>
public sealed class ConformanceToolTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-conformance-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_local_host_is_a_coordinator()
    {
        var (passed, _) = await CheckCoordinatorAsync(endpoint => endpoint);

        Assert.InRange(passed.Count, 30, 207);
        Assert.Superset(new HashSet<string>(["R-CMP-11", "R-CMP-13", "R-CMP-15"]), passed.ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_coordinator_that_asks_for_the_same_try_after_a_ruling_is_found()
    {
        var (_, failed) = await CheckCoordinatorAsync(endpoint => new Forgetful(endpoint));

        Assert.Contains("R-CMP-13", failed);
    }

    [Fact]
    public async Task A_coordinator_whose_answers_to_questions_are_lost_is_found()
    {
        var (_, failed) = await CheckCoordinatorAsync(endpoint => new Losing(endpoint, message => message is Abort or Release));

        Assert.Superset(new HashSet<string>(["R-DRV-3", "R-DRV-4", "R-DRV-8", "R-DRV-9"]), failed.ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_agent_in_Python_is_a_participant()
    {
        var (passed, _) = await CheckParticipantAsync("python3", Files.FullPath("samples/PythonAgent/agent.py"));

        Assert.InRange(passed.Count, 25, 207);
    }

    [TypeScriptFact]
    public async Task The_agent_in_TypeScript_is_a_participant()
    {
        var (passed, _) = await CheckParticipantAsync("node", Files.FullPath("samples/TypeScriptAgent/built/agent.js"));

        Assert.InRange(passed.Count, 25, 207);
    }

    [Theory]
    [InlineData("participant.py", "if message[\"epoch\"] < self.epoch:", "if False:", "R-PAR-14")]
    [InlineData("agent.py", "!= agent.execution:", "== 0:", "R-VAL-4")]
    public async Task A_participant_with_a_fault_is_found(string file, string sound, string fault, string requirement)
    {
        foreach (var source in new[] { "agent.py", "participant.py" })
        {
            var text = await File.ReadAllTextAsync(Files.FullPath($"samples/PythonAgent/{source}"));
            Assert.True(source != file || text.Contains(sound, StringComparison.Ordinal), $"The sample says something else now than '{sound}'.");
            await File.WriteAllTextAsync(Path.Combine(_folder, source), source == file ? text.Replace(sound, fault, StringComparison.Ordinal) : text);
        }

        var (_, failed) = await CheckParticipantAsync("python3", Path.Combine(_folder, "agent.py"));

        Assert.Contains(requirement, failed);
    }

    private static async Task<(IReadOnlyList<string> Passed, IReadOnlyList<string> Failed)> CheckCoordinatorAsync(Func<IForeignAgent, IForeignAgent> change)
    {
        var port = AgentProcess.FreePort();
        using var endpoint = new HttpForeignAgent(new Uri($"http://127.0.0.1:{port}/"));
        await using var server = await TestServer.StartAsync(new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["conformance"] = change(endpoint) });
        return await ConformanceTool.RunAsync(change(endpoint) == endpoint, server.Address.ToString(), "--listen", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
    }

    private async Task<(IReadOnlyList<string> Passed, IReadOnlyList<string> Failed)> CheckParticipantAsync(string program, string script)
    {
        var (port, hostPort) = (AgentProcess.FreePort(), AgentProcess.FreePort());
        using var agent = new AgentProcess(
            Path.Combine(_folder, "agent.log"), program, script, "--agent", "hotel", "--execution", "conformance/e", "--port", port.ToString(CultureInfo.InvariantCulture),
            "--host", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{hostPort}"), "--world", Path.Combine(_folder, "world"), "--patience", "8");
        agent.Start();
        return await ConformanceTool.RunAsync(
            !script.StartsWith(_folder, StringComparison.Ordinal),
            string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"), "--participant", "hotel",
            "--listen", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{hostPort}/"));
    }

    private sealed class Forgetful(IForeignAgent inner) : IForeignAgent
    {
        public Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken) =>
            inner.DeliverAsync(message.Message is Compensate asked ? message with { Message = asked with { Try = 1 } } : message, cancellationToken);
    }

    private sealed class Losing(IForeignAgent inner, Func<ParticipantMessage, bool> isLost) : IForeignAgent
    {
        public Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken) =>
            isLost((ParticipantMessage)message.Message) ? Task.FromResult(true) : inner.DeliverAsync(message, cancellationToken);
    }
}
