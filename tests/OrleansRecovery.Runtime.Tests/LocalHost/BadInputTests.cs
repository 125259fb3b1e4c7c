using System.Globalization;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>What agents and callers do wrong: refused with a cause, an impact and a next step, and nothing is lost.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData("large message", RecoveryErrorCode.PayloadTooLarge)]
    [InlineData("large state", RecoveryErrorCode.PayloadTooLarge)]
    [InlineData("large result", RecoveryErrorCode.PayloadTooLarge)]
    [InlineData("to nobody", RecoveryErrorCode.UndeliverableMessage)]
    [InlineData("cyclic", RecoveryErrorCode.CyclicDependency)]
    [InlineData("not there", RecoveryErrorCode.UnknownInterval)]
    public async Task What_an_agent_does_wrong_fails_its_turn_and_an_operator_is_asked(string mischief, RecoveryErrorCode expected)
    {
        var world = new List<string>();
        var journal = new InMemoryJournal();
        await using var host = await StartAsync(world, journal);
        await host.SendAsync(ProbeHost.Execution, AgentId.Parse("a"), new Mischief("nothing"));
        await host.SendAsync(ProbeHost.Execution, AgentId.Parse("a"), new Mischief(mischief));
        await host.SendAsync(ProbeHost.Execution, AgentId.Parse("b"), new Mischief("nothing"));
        var status = await SettledAsync(host);
        Assert.Equal(ExecutionPhase.Escalated, status.Phase);
        Assert.Equal(0, Assert.Single(status.Agents, agent => agent.Agent.Text == "b").PendingMessages);
        Assert.Equal(2, Assert.Single(status.Recoveries).Targets[AgentId.Parse("a")].Number);
        Assert.Contains(new RecoveryError(expected, "x", "x", "x").Id, await LedgerAsync(journal), StringComparison.Ordinal);
        if (mischief == "large result")
        {
            Assert.Equal(["did", "undid in doubt", "did"], world);
        }
    }

    [Fact]
    public async Task What_comes_from_outside_and_is_too_large_or_for_nobody_is_refused_and_later_input_is_taken()
    {
        await using var host = await StartAsync([], new InMemoryJournal());
        Assert.Equal(RecoveryErrorCode.PayloadTooLarge, await RefusedAsync(() =>
            host.SendAsync(ProbeHost.Execution, AgentId.Parse("a"), new Mischief(new string('x', AgentJson.PayloadBytesMax)))));
        Assert.Equal(RecoveryErrorCode.UnknownAgent, await RefusedAsync(() => host.SendAsync(ProbeHost.Execution, AgentId.Parse("nobody"), new Mischief("x"))));
        await host.SendAsync(ProbeHost.Execution, AgentId.Parse("a"), new Mischief("nothing"));
        Assert.Equal(0, (await SettledAsync(host)).PendingMessages);
    }

    [Theory]
    [InlineData("@outside", "is kept for the outside")]
    [InlineData("b", "is given twice")]
    public async Task An_agent_has_a_name_of_its_own_and_not_that_of_the_outside(string name, string expected)
    {
        await using var host = await StartAsync([], new InMemoryJournal());
        var start = new ExecutionStart(
            ProbeHost.Execution with { Execution = ExecutionId.Parse("other") },
            [.. new[] { "b", name }.Select(agent => new AgentAssignment(AgentId.Parse(agent), new AgentClass("mischievous")))],
            RecoveryPolicy.Default);
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => host.StartAsync(start));
        Assert.Equal(RecoveryErrorCode.InvalidName, refused.Error.Code);
        Assert.Contains(expected, refused.Error.Cause, StringComparison.Ordinal);
        Assert.Equal(RecoveryErrorCode.UnknownExecution, await RefusedAsync(() => host.StatusAsync(start.Execution)));
    }

    [Fact]
    public async Task A_decision_about_a_recovery_that_is_not_there_is_refused()
    {
        await using var host = await StartAsync([], new InMemoryJournal());
        Assert.Equal(RecoveryErrorCode.UnknownRecovery, await RefusedAsync(() => host.DecideAsync(
            ProbeHost.Execution, RecoveryId.Parse("r-none"), OperatorDecision.Approve, IssuerId.Parse("operator"), "why not")));
    }

    [Fact]
    public void A_class_whose_state_or_message_cannot_be_written_is_refused_when_it_is_registered()
    {
        var refused = Assert.Throws<RecoveryException>(() => new AgentCatalog().Add(() => new Unwritable(), "unwritable"));
        Assert.Equal(RecoveryErrorCode.NotSerializable, refused.Error.Code);
        Assert.Contains(nameof(Unwritable), refused.Error.Cause, StringComparison.Ordinal);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task A_key_file_that_others_may_read_or_that_holds_no_key_is_refused()
    {
        var folder = Directory.CreateTempSubdirectory("recovery-key-").FullName;
        var path = Path.Combine(folder, "key.pem");
        LedgerKey.OpenOrCreate(path).Dispose();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Equal(RecoveryErrorCode.UnsafeKeyFile, Assert.Throws<RecoveryException>(() => LedgerKey.OpenOrCreate(path)).Error.Code);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(path, "no key");
        Assert.Equal(RecoveryErrorCode.UnsafeKeyFile, Assert.Throws<RecoveryException>(() => LedgerKey.OpenOrCreate(path)).Error.Code);
        Assert.Equal("no key", await File.ReadAllTextAsync(path));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task An_agent_of_which_no_copy_of_the_state_is_sound_and_whose_beginning_is_collected_waits_and_says_so()
    {
        var journal = new InMemoryJournal();
        var stream = StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a"));
        await using (var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal))
        {
            foreach (var number in Enumerable.Range(1, 10))
            {
                await probe.SendAsync("a", "act", $"{number}");
            }

            await probe.SettledAsync();
            foreach (var interval in Enumerable.Range(0, 10))
            {
                await probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse("a"), CheckpointNumber.Of(interval)), IssuerId.Parse("validator"));
            }

            Assert.Equal(1, await probe.Host.CollectAsync(ProbeHost.Execution));
        }

        var history = await ExecutionQueries.ReadHistoryAsync(journal, ProbeHost.Execution, AgentId.Parse("a"));
        foreach (var position in history.Live.SelectMany(interval => interval.Snapshots))
        {
            journal.DamageSnapshot(stream, position.Number);
        }

        var before = await journal.VersionAsync(stream);
        await using var again = await ProbeHost.ReopenAsync(new ProbeWorld(), journal);
        await again.SendAsync("a", "act", "more");
        await again.SendAsync("b", "act", "other");
        await again.Host.SettledAsync(ProbeHost.Execution);
        Assert.Equal(["other"], await again.StateOfAsync("b"));
        Assert.Equal(before, await journal.VersionAsync(stream));
        Assert.Equal(1, (await again.Host.StatusAsync(ProbeHost.Execution)).PendingMessages);
    }

    private static async Task<LocalRecoveryHost> StartAsync(List<string> world, IJournalDatabase journal)
    {
        var host = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().Add(() => new Mischievous(world), "mischievous"));
        await host.StartAsync(new ExecutionStart(
            ProbeHost.Execution,
            [.. new[] { "a", "b" }.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("mischievous")))],
            new RecoveryPolicy { RecoveryCountMax = 1, Checkpoints = CheckpointRule.EveryTurn }));
        return host;
    }

    private static async Task<ExecutionStatus> SettledAsync(LocalRecoveryHost host)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await host.SettledAsync(ProbeHost.Execution, patience.Token);
        return await host.StatusAsync(ProbeHost.Execution);
    }

    private static async Task<string> LedgerAsync(InMemoryJournal journal)
    {
        var text = string.Empty;
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            text += LedgerChain.Read(line.Body.Span).Body;
        }

        return text;
    }

    private static async Task<RecoveryErrorCode> RefusedAsync(Func<Task> call) => (await Assert.ThrowsAsync<RecoveryException>(call)).Error.Code;

    private sealed record Mischief(string What);

    private sealed record Memory
    {
        public string Text { get; init; } = string.Empty;
    }

    private sealed class Mischievous(List<string> world) : Agent<Memory>
    {
        protected override void Define(AgentDefinition<Memory> agent)
        {
            var large = agent.Compensatable<string, string>(
                "large",
                (_, _) =>
                {
                    world.Add("did");
                    return Task.FromResult(new string('x', AgentJson.PayloadBytesMax));
                },
                (_, _, undo) =>
                {
                    world.Add(undo.InDoubt ? "undid in doubt" : "undid");
                    return Task.CompletedTask;
                });
            agent.On<Mischief>(async (mischief, context) =>
            {
                switch (mischief.What)
                {
                    case "large message":
                        context.Send(AgentId.Parse("b"), new Mischief(new string('x', AgentJson.PayloadBytesMax)));
                        break;
                    case "large state":
                        context.State = new Memory { Text = new string('x', AgentJson.PayloadBytesMax) };
                        break;
                    case "large result":
                        await context.ActAsync(large, "x");
                        break;
                    case "to nobody":
                        context.Send(AgentId.Parse("nobody"), new Mischief("nothing"));
                        break;
                    case "cyclic":
                        // The answer came of this very interval, which now says that it rests on it.
                        var answer = await context.AskAsync<Question, Answer>(AgentId.Parse("b"), new Question("which?"));
                        context.Declare(new Interval(AgentId.Parse("b"), CheckpointNumber.Of(long.Parse(answer.Text, CultureInfo.InvariantCulture))));
                        break;
                    case "not there":
                        context.Declare(new Interval(AgentId.Parse("b"), CheckpointNumber.Of(99)));
                        break;
                }
            });
            agent.On<Question>((_, context) =>
            {
                context.Reply(new Answer($"{context.Interval.Number}"));
                return Task.CompletedTask;
            });
        }
    }

    private sealed record Handle(Stream Data);

    private sealed class Unwritable : Agent<Memory>
    {
        protected override void Define(AgentDefinition<Memory> agent) => agent.On<Handle>((_, _) => Task.CompletedTask);
    }
}
