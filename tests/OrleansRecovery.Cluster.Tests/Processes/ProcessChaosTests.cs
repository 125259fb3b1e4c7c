using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.TestProcess;
using OrleansRecovery.TestSupport;
using Xunit.Abstractions;

namespace OrleansRecovery.Cluster.Tests.Processes;

/// <summary>
/// kill -9 of silo processes in the midst of recoveries, on PostgreSQL: at a write that was chosen beforehand, or at any moment; one, two, or all at once. After
/// each, everything goes on to its end, and the model's invariants are read from the database and the world.
/// </summary>
public sealed class ProcessChaosTests(ProcessCluster cluster, ITestOutputHelper output) : IClassFixture<ProcessCluster>
{
    private static readonly int Kills = ChaosTests.Setting("OR_PROCESS_KILLS", 10);
    private static readonly int Seed = ChaosTests.Setting("OR_SEED", 1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // No operator is there to call: agents of dead silos are asked until others have taken them over.
    private const int VoteTryCount = 100;

    // A recovery of the workload's agents makes about this many writes on one silo.
    private const int WriteMax = 16;

    [PostgresFact]
    public async Task Every_recovery_goes_on_to_its_outcome_whichever_silo_processes_are_killed_at_whatever_write()
    {
        output.WriteLine($"OR_SEED={Seed}");
        var chance = new Random(Seed);
        var phases = new SortedDictionary<string, int>(StringComparer.Ordinal);
        await BeginAsync();
        var killed = 0;
        for (var round = 1; killed < Kills; round++)
        {
            await SendAsync(chance);
            await SettleAsync();
            var victims = cluster.Silos.OrderBy(_ => chance.Next()).Take(1 + (round % 3)).ToList();
            await SignalAndKillAsync(victims, isAtWrite: round % 4 != 3, chance);
            var phase = await PhaseAsync();
            phases[phase] = phases.GetValueOrDefault(phase) + victims.Count;
            killed += victims.Count;
            await cluster.ReplaceDeadAsync();
            await SettleAsync();
            await CheckAsync();
        }

        output.WriteLine($"{killed} silo processes killed, with the last recovery in the phase {string.Join(", ", phases.Select(phase => $"{phase.Key}: {phase.Value}"))}");
        var open = phases.Where(phase => !Enum.Parse<CoordinatorPhase>(phase.Key).IsTerminal()).Sum(phase => phase.Value);
        Assert.True(open >= killed / 3, $"Only {open} of {killed} kills met an open recovery: the test kills at the wrong moments.");
    }

    [PostgresFact]
    public async Task When_all_silos_died_a_recovery_is_driven_on_although_nobody_asks()
    {
        var chance = new Random(Seed);
        await BeginAsync();
        for (var isOpen = false; !isOpen;)
        {
            await SendAsync(chance);
            await SettleAsync();
            await SignalAndKillAsync([.. cluster.Silos], isAtWrite: true, chance);
            isOpen = await OpenAsync() > 0;

            // However quick they start: they join before the table tells them that the dead are silent, and nobody else changes it.
            await cluster.LetMembersSeemAliveAsync(TimeSpan.FromSeconds(8));
            await cluster.ReplaceDeadAsync();
        }

        // Read past the silos: no call wakes a coordinator but its reminder's.
        using var patience = new CancellationTokenSource(Patience);
        while (await OpenAsync() > 0)
        {
            if (patience.IsCancellationRequested)
            {
                Assert.Fail($"Nobody drives it on. The recovery: {await PhaseAsync()}. {await cluster.DescribeAsync()}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }

        await SettleAsync();
        await CheckAsync();
    }

    [PostgresFact]
    public async Task The_database_may_crash_and_come_back_in_the_midst_of_a_recovery()
    {
        var chance = new Random(Seed);
        await BeginAsync();
        for (var round = 0; round < 3; round++)
        {
            await SendAsync(chance);
            await SettleAsync();
            await RecoveryWorkload.FailAsync(cluster.Recovery, chance);
            await Task.Delay(TimeSpan.FromMilliseconds(chance.Next(1, 50)), TimeProvider.System);
            await cluster.CrashDatabaseAsync(TimeSpan.FromSeconds(1));
            await SettleAsync();
            await CheckAsync();
        }
    }

    [PostgresFact]
    public async Task Silos_are_replaced_one_by_one_while_executions_and_recoveries_go_on()
    {
        var chance = new Random(Seed);
        await BeginAsync();
        foreach (var old in cluster.Silos.ToList())
        {
            await SendAsync(chance);
            await SignalAndKillAsync([], isAtWrite: false, chance);
            await cluster.StartSilosAsync(1);
            await old.StopAsync();
            Assert.Equal(0, old.ExitCode);
            cluster.ForgetDead();
        }

        await SettleAsync();
        await CheckAsync();
    }

    // A silo that was not heard of in time on a busy machine was given up by the others, and has ended itself.
    private async Task BeginAsync()
    {
        await cluster.ReplaceDeadAsync();
        await RecoveryWorkload.StartAsync(cluster.Recovery, VoteTryCount);
    }

    // What was on its way when a silo died may be sent once more: more batons do no harm.
    private async Task SendAsync(Random chance)
    {
        for (var isSent = false; !isSent;)
        {
            try
            {
                await RecoveryWorkload.SendAsync(cluster.Recovery, chance);
                isSent = true;
            }
            catch (Exception silence) when (silence is OrleansException or TimeoutException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
            }
        }
    }

    private async Task<int> OpenAsync() =>
        (await LoadedExecution.ReadLogAsync(cluster.Journal, RecoveryWorkload.Execution)).Recoveries.Values.Count(recovery => !recovery.Phase.IsTerminal());

    private async Task CheckAsync() => await DurableInvariants.CheckAsync(cluster.Journal, await cluster.ReadWorldAsync(), isSettled: true);

    private async Task SignalAndKillAsync(List<SiloProcess> victims, bool isAtWrite, Random chance)
    {
        if (isAtWrite)
        {
            victims.ForEach(victim => victim.DieAt(chance.Next(1, WriteMax + 1), isBefore: chance.Next(2) == 0));
        }

        // The signal's own silo may die of it: then it was admitted or not, and both are sound.
        var signal = RecoveryWorkload.FailAsync(cluster.Recovery, chance);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(isAtWrite ? 3 : 0).Add(TimeSpan.FromMilliseconds(chance.Next(1, 150))));
        while (!patience.IsCancellationRequested && !victims.TrueForAll(victim => victim.HasExited))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }

        victims.ForEach(victim => victim.Kill());
        try
        {
            await signal.WaitAsync(Patience);
        }
        catch (Exception silence) when (silence is OrleansException or TimeoutException)
        {
            // As said.
        }
    }

    private async Task<string> PhaseAsync()
    {
        var log = await LoadedExecution.ReadLogAsync(cluster.Journal, RecoveryWorkload.Execution);
        return $"{log.Recoveries.Values.LastOrDefault()?.Phase ?? CoordinatorPhase.Completed}";
    }

    private async Task SettleAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await cluster.Recovery.SettledAsync(RecoveryWorkload.Execution, patience.Token);
        }
        catch (OperationCanceledException)
        {
            var status = await cluster.Recovery.StatusAsync(RecoveryWorkload.Execution, CancellationToken.None);
            Assert.Fail($"It does not settle: {status.Phase}, {status.PendingMessages} messages wait, recoveries {string.Join(", ", status.Recoveries.Select(recovery => recovery.Phase))}.");
        }
    }
}
