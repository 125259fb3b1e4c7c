using System.Diagnostics;
using System.Globalization;
using OrleansRecovery.Storage;
using OrleansRecovery.TestProcess;
using OrleansRecovery.TestSupport;
using Xunit.Abstractions;

namespace OrleansRecovery.Runtime.Tests.Kill;

/// <summary>kill -9 of a real process at random moments of real recoveries, on a real database; the model's invariants after each.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    // Twelve kills of each of two databases in the test command; OR_KILLS asks for more in a longer run, OR_SEED for other moments.
    private static readonly int Kills = Setting("OR_KILLS", KillsForEachBlock);
    private static readonly int Seed = Setting("OR_SEED", 1);
    private const int KillsForEachDatabase = 12;

    // Two cores, two processes to kill.
    private const int LaneCount = 2;
    private const int KillsForEachBlock = KillsForEachDatabase * LaneCount;

    public static TheoryData<int> Blocks => [.. Enumerable.Range(0, Math.Max(1, Kills / KillsForEachBlock))];

    [Theory]
    [MemberData(nameof(Blocks))]
    public async Task Every_recovery_goes_on_to_its_outcome_after_kill_9_at_any_moment(int block)
    {
        output.WriteLine($"OR_SEED={Seed}, block {block}");
        var lanes = await Task.WhenAll(Enumerable.Range(block * LaneCount, LaneCount).Select(lane => Task.Run(() => RunLaneAsync(new Random(Seed + lane), KillsForEachDatabase))));
        var inRecovery = lanes.Sum(lane => lane.InRecovery);
        foreach (var line in lanes.Select(lane => lane.Story))
        {
            output.WriteLine(line);
        }

        output.WriteLine($"{KillsForEachBlock} kills survived, {inRecovery} of them with a recovery open");
        Assert.True(inRecovery > KillsForEachBlock / 10, $"Only {inRecovery} of {KillsForEachBlock} kills met an open recovery: the test kills at the wrong moments.");
    }

    private static async Task<(int InRecovery, string Story)> RunLaneAsync(Random chance, int kills)
    {
        var inRecovery = 0;
        var folder = Directory.CreateTempSubdirectory("recovery-kill-").FullName;
        for (var killed = 0; killed < kills; killed++)
        {
            await KillOnceAsync(folder, chance);
            var check = await CheckAsync(folder, isSettled: false);
            inRecovery += check.OpenRecoveryCount > 0 ? 1 : 0;
        }

        await RunToEndAsync(folder, chance.Next());
        var end = await CheckAsync(folder, isSettled: true);
        Directory.Delete(folder, recursive: true);
        return (inRecovery, $"after {kills} kills of one database: {end.RecoveryCount} recoveries, all ended");
    }

    private static async Task<(int RecoveryCount, int OpenRecoveryCount)> CheckAsync(string folder, bool isSettled)
    {
        var (database, _, world) = RecoveryWorkload.Files(folder);
        await using var journal = await Journals.OpenReadOnlyAsync(database);
        return await DurableInvariants.CheckAsync(journal, File.Exists(world) ? await File.ReadAllLinesAsync(world) : [], isSettled);
    }

    private static async Task KillOnceAsync(string folder, Random chance)
    {
        using var child = Start(folder, chance.Next(), rounds: 1_000_000);
        var ready = await child.StandardOutput.ReadLineAsync();
        if (ready != "ready")
        {
            Assert.Fail($"The child did not start: {ready} {await child.StandardError.ReadToEndAsync()}");
        }

        // Three of four just after a signal was accepted, however slow the machine is; the others anywhere.
        var nearSignal = chance.Next(4) != 0;
        while (nearSignal && await child.StandardOutput.ReadLineAsync() is { } line && line != "signalled")
        {
        }

        var clock = Stopwatch.StartNew();
        var moment = TimeSpan.FromMilliseconds(chance.Next(1, nearSignal ? 100 : 400));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (clock.Elapsed < moment && !child.HasExited)
        {
            await timer.WaitForNextTickAsync();
        }

        if (child.HasExited)
        {
            Assert.Fail($"The child ended by itself: {await child.StandardError.ReadToEndAsync()}");
        }

        child.Kill();
        await child.WaitForExitAsync();
    }

    private static async Task RunToEndAsync(string folder, int seed)
    {
        using var child = Start(folder, seed, rounds: 2);
        var errors = child.StandardError.ReadToEndAsync();
        var lines = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        Assert.True(child.ExitCode == 0 && lines.Contains("settled", StringComparison.Ordinal), $"{folder}: the last run did not settle: {lines} {await errors}");
    }

    private static Process Start(string folder, int seed, int rounds)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["DOTNET_TieredPGO"] = "0"; // it lives for a moment: what it starts with counts
        start.ArgumentList.Add(typeof(RecoveryWorkload).Assembly.Location);
        start.ArgumentList.Add("recoveries");
        start.ArgumentList.Add(folder);
        start.ArgumentList.Add(seed.ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add(rounds.ToString(CultureInfo.InvariantCulture));
        return Process.Start(start)!;
    }

    private static int Setting(string name, int value) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var given) ? given : value;
}
