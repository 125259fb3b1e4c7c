using System.Globalization;
using Orleans.TestingHost;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using Xunit.Abstractions;

namespace OrleansRecovery.Cluster.Tests;

/// <summary>
/// Silos killed in the midst of recoveries: the one that runs the coordinator, an agent, or the ledger. What ran on a killed silo of a test cluster may go on
/// for a while without knowing: so each kill also tries the fence against stale activations.
/// </summary>
public sealed class ChaosTests(ChaosFixture fixture, ITestOutputHelper output) : IClassFixture<ChaosFixture>
{
    private static readonly int Kills = Setting("OR_SILO_KILLS", 30);
    private static readonly int Seed = Setting("OR_SEED", 1);

    // A compensation is held while its silo is looked for, which takes as long as a call to a silo that does not answer.
    private static readonly RecoveryPolicy Policy = new()
    {
        VoteTimeoutMilliseconds = 500, VoteTryCountMax = 100, CompensationBackoffMilliseconds = 10, ActionTimeoutMilliseconds = 120_000, RecoveryCountMax = 1_000,
    };

    [Fact]
    public async Task Every_recovery_goes_on_to_its_outcome_whichever_silo_is_killed_in_its_midst()
    {
        output.WriteLine($"OR_SEED={Seed}");
        var chance = new Random(Seed);
        var stage = await Stage.StartAsync(fixture, new ProbeWorld(), Policy);
        var phases = new SortedDictionary<CoordinatorPhase, int>();
        for (var round = 1; round <= Kills; round++)
        {
            await stage.SendAsync("a", "act", $"{round}", "b");
            await stage.SendAsync("bystander", "act", $"{round}-apart");
            await stage.SettledAsync();
            var before = await stage.Client.StatusAsync(stage.Execution);
            var moment = MomentOf(stage.World, round);
            await stage.FailAsync("a", before.Agents[0].Current.Number);
            await moment.Reached.Task.WaitAsync(TimeSpan.FromMinutes(2));
            await Task.Delay(TimeSpan.FromMilliseconds(chance.Next(0, 10)), TimeProvider.System);
            var phase = await KillAsync(stage, round, chance, moment);
            phases[phase] = phases.GetValueOrDefault(phase) + 1;
            await CheckAsync(stage, round);
        }

        output.WriteLine($"{Kills} silos killed, with the recovery in the phase {string.Join(", ", phases.Select(phase => $"{phase.Key}: {phase.Value}"))}");
        var open = phases.Where(phase => !phase.Key.IsTerminal()).Sum(phase => phase.Value);
        Assert.True(open >= Kills / 3, $"Only {open} of {Kills} kills met an open recovery: the test kills at the wrong moments.");
    }

    // In turn: as soon as the signal is durable, in the midst of a compensation, and when what was undone is begun again.
    private static Moment MomentOf(ProbeWorld world, int round)
    {
        var moment = new Moment();
        world.OnUndo = _ => round % 3 == 1 ? moment.HoldAsync() : Task.CompletedTask;
        world.OnTurn = (_, times) => round % 3 == 2 && times > 1 ? moment.HoldAsync() : Task.CompletedTask;
        if (round % 3 == 0)
        {
            moment.Reached.TrySetResult();
        }

        return moment;
    }

    private async Task<CoordinatorPhase> KillAsync(Stage stage, int round, Random chance, Moment moment)
    {
        var victim = await VictimAsync(stage, round, chance);
        var before = await Runtime.Driver.LoadedExecution.ReadLogAsync(fixture.Journal, stage.Execution);
        await fixture.Cluster.KillSiloAsync(victim);
        moment.GoOn.TrySetResult(); // not held until another silo has come: a compensation has a time-out
        await fixture.Cluster.StartAdditionalSiloAsync();
        return before.Recoveries.Values.Last().Phase;
    }

    // The primary holds the membership of a test cluster, and so is never killed.
    private async Task<SiloHandle> VictimAsync(Stage stage, int round, Random chance)
    {
        var management = fixture.Cluster.Client!.GetGrain<IManagementGrain>(0);
        IAddressable grain = (round / 3 % 3) switch
        {
            0 => fixture.Cluster.Client.GetGrain<IRollbackCoordinatorGrain>(GrainKeys.OfExecution(stage.Execution)),
            1 => fixture.Cluster.Client.GetGrain<IAgentGrain>(GrainKeys.OfAgent(stage.Execution, AgentId.Parse(chance.Next(2) == 0 ? "a" : "b"))),
            _ => fixture.Cluster.Client.GetGrain<ILedgerGrain>(stage.Execution.Tenant.Text),
        };
        var address = await management.GetActivationAddress(grain);
        var secondaries = fixture.Cluster.SecondarySilos;
        return secondaries.FirstOrDefault(silo => silo.SiloAddress.Equals(address)) ?? secondaries[chance.Next(secondaries.Count)];
    }

    private async Task CheckAsync(Stage stage, int rounds)
    {
        var status = await stage.SettledAsync();
        Assert.All(status.Recoveries, recovery => Assert.True(
            recovery.Phase is CoordinatorPhase.Completed, $"{recovery.Phase}, waits for {recovery.WaitsFor}, residue {string.Join(", ", recovery.Residue)}"));
        var expected = Enumerable.Range(1, rounds).Select(round => $"{round}").ToList();
        Assert.Equal(expected, await stage.StateOfAsync("a"));
        Assert.Equal(expected.Select(text => $"{text}+"), (await stage.StateOfAsync("b")).Order(NumberFirst));
        Assert.Equal(expected.Select(text => $"{text}-apart"), await stage.StateOfAsync("bystander"));
        Assert.Equal(0, status.Agents[2].Incarnation.Number);
        var standing = expected.Concat(expected.Select(text => $"{text}+")).Concat(expected.Select(text => $"{text}-apart"));
        Assert.Equal(standing.Order(StringComparer.Ordinal), stage.World.Standing.Values.Order(StringComparer.Ordinal));
        var lines = new List<ReadOnlyMemory<byte>>();
        await foreach (var line in fixture.Recovery.ReadLedgerAsync(stage.Execution.Tenant))
        {
            lines.Add(line);
        }

        var kinds = lines.ConvertAll(line => LedgerChain.Read(line.Span).Kind);
        Assert.Equal(status.Recoveries.Count, kinds.Count(kind => kind == RecoveryRecordKind.Outcome));
        Assert.Equal(kinds.Count(kind => kind == RecoveryRecordKind.RecoveryOpened), status.Recoveries.Count);
    }

    private static Comparer<string> NumberFirst { get; } = Comparer<string>.Create((left, right) => Number(left).CompareTo(Number(right)));

    private static int Number(string text) => int.Parse(text.TrimEnd('+'), CultureInfo.InvariantCulture);

    internal static int Setting(string name, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : standard;

    private sealed class Moment
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task HoldAsync()
        {
            Reached.TrySetResult();
            return GoOn.Task;
        }
    }
}
