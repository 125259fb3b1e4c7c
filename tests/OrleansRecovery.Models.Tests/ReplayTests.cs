using System.Diagnostics;
using OrleansRecovery.Cli.Import;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Storage;
using OrleansRecovery.TestProcess;
using OrleansRecovery.TestSupport.Models;
using Xunit.Abstractions;

namespace OrleansRecovery.Models.Tests;

/// <summary>Logs of real runs, of processes that were killed too, keep the invariants of the P model; falsified ones do not.</summary>
public sealed class ReplayTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-replay-").FullName;

    [Fact]
    public async Task Real_runs_keep_the_models_invariants_and_falsified_ones_do_not()
    {
        var traces = Directory.CreateDirectory(Path.Combine(_folder, "traces")).FullName;
        var demo = await DemoAsync();
        var killed = await KilledAsync();
        output.WriteLine($"demo: {TraceExport.Write(demo, "demo", traces)} events");
        output.WriteLine($"killed: {TraceExport.Write(killed, "killed", traces)} events, {killed.Log.Count(record => record.Coordinator?.Opened is not null)} recoveries");
        TraceExport.Write(WithoutDecision(demo), "undecided", traces);
        TraceExport.Write(InForwardOrder(demo), "forward", traces);
        TraceExport.Write(WithoutCompensation(demo), "uncompensated", traces);
        TraceExport.Write(WithoutRaise(demo), "unraised", traces);
        TraceExport.Write(WithoutConsumption(demo), "lost", traces);

        var verdicts = await ModelCheck.ReplayAsync(traces);

        foreach (var (run, verdict) in verdicts)
        {
            output.WriteLine($"{run}: {verdict}");
        }

        Assert.Equal("held", verdicts["demo"]);
        Assert.Equal("held", verdicts["killed"]);
        Assert.Matches("^S(4|13|14): ", verdicts["undecided"]);
        Assert.StartsWith("S10: ", verdicts["forward"], StringComparison.Ordinal);
        Assert.StartsWith("S8: ", verdicts["uncompensated"], StringComparison.Ordinal);
        Assert.StartsWith("S5: ", verdicts["unraised"], StringComparison.Ordinal);
        Assert.StartsWith("S7_NoLostMessage detected liveness bug", verdicts["lost"], StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Seven agents, a kill -9 in the midst of a charge, two recoveries.
    private async Task<ExecutionTrace> DemoAsync()
    {
        var folder = Path.Combine(_folder, "demo");
        using var demo = Start(typeof(Importer).Assembly.Location, "demo", "--folder", folder);
        var said = await demo.StandardOutput.ReadToEndAsync();
        await demo.WaitForExitAsync();
        Assert.True(demo.ExitCode == 0, said);
        await using var journal = await Journals.OpenReadOnlyAsync(Path.Combine(folder, "trip.db"));
        return await ExecutionTrace.ReadAsync(journal, new ExecutionAddress(TenantId.Parse("acme"), ExecutionId.Parse("trip")));
    }

    // Two processes that are killed just after a signal was accepted, and one that goes on to the end.
    private async Task<ExecutionTrace> KilledAsync()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "killed")).FullName;
        foreach (var seed in new[] { "1", "2" })
        {
            using var child = Start(typeof(RecoveryWorkload).Assembly.Location, "recoveries", folder, seed, "1000000");
            while (await child.StandardOutput.ReadLineAsync() is { } line && line != "signalled")
            {
            }

            child.Kill();
            await child.WaitForExitAsync();
        }

        using var last = Start(typeof(RecoveryWorkload).Assembly.Location, "recoveries", folder, "3", "2");
        var said = await last.StandardOutput.ReadToEndAsync();
        await last.WaitForExitAsync();
        Assert.Contains("settled", said, StringComparison.Ordinal);
        await using var journal = await Journals.OpenReadOnlyAsync(RecoveryWorkload.Files(folder).Database);
        return await ExecutionTrace.ReadAsync(journal, RecoveryWorkload.Execution);
    }

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardOutput = true, UseShellExecute = false })!;

    // The vote that closed the set is missing.
    private static ExecutionTrace WithoutDecision(ExecutionTrace trace)
    {
        var falsified = trace.Copy();
        var confirmed = falsified.Log.FindIndex(record => record.Coordinator?.Input is CoordinatorInput.DecisionDurable);
        falsified.Log.RemoveAt(falsified.Log.FindLastIndex(confirmed, record => record.Coordinator?.Input is CoordinatorInput.Voted or CoordinatorInput.Planned));
        return falsified;
    }

    // The first report of a compensation and the last have changed places.
    private static ExecutionTrace InForwardOrder(ExecutionTrace trace)
    {
        var falsified = trace.Copy();
        var recovery = falsified.Log.Where(record => record.Coordinator?.Input is CoordinatorInput.CompensationReported)
            .GroupBy(record => record.Coordinator!.Recovery).OrderByDescending(group => group.Count()).First().Key;
        var reports = falsified.Log.Index().Where(item => item.Item.Coordinator is { Input: CoordinatorInput.CompensationReported } record && record.Recovery == recovery)
            .Select(item => item.Index).ToList();
        Assert.True(reports.Count > 1, $"Only {reports.Count} compensations.");
        (falsified.Log[reports[0]], falsified.Log[reports[^1]]) = (falsified.Log[reports[^1]], falsified.Log[reports[0]]);
        return falsified;
    }

    private static ExecutionTrace WithoutCompensation(ExecutionTrace trace)
    {
        var falsified = trace.Copy();
        Blank(falsified.Journals.Values.First(records => records.OfType<CompensationSettled>().Any()), record => record is CompensationSettled);
        return falsified;
    }

    private static ExecutionTrace WithoutConsumption(ExecutionTrace trace)
    {
        var falsified = trace.Copy();
        var sent = falsified.Journals[Outside.Agent].OfType<MessageSent>().First();
        Blank(falsified.Journals[sent.To], record => record is MessageConsumed consumed && consumed.Message.Sender == Outside.Agent);
        return falsified;
    }

    private static ExecutionTrace WithoutRaise(ExecutionTrace trace)
    {
        var falsified = trace.Copy();
        var journal = falsified.Journals.Values.First(records => records.OfType<RolledBack>().Any());
        var position = journal.FindIndex(record => record is RolledBack);
        var rolledBack = (RolledBack)journal[position];
        journal[position] = rolledBack with { Incarnation = Incarnation.Of(rolledBack.Incarnation.Number - 1) };
        return falsified;
    }

    // The others keep their positions, which are the names of messages and actions.
    private static void Blank(List<AgentEvent> records, Func<AgentEvent, bool> which)
    {
        foreach (var (position, _) in records.Index().Where(item => which(item.Item)).ToList())
        {
            records[position] = new TurnEnded(string.Empty, false);
        }
    }
}
