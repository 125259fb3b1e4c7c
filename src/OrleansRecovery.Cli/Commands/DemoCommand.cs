using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Samples.Trip;
using OrleansRecovery.Storage;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery demo</c>: the trip, told as it goes. Everything in it is real: the database, the killed process, the ledger.</summary>
internal static class DemoCommand
{
    private static readonly ExecutionAddress Trip = new(TenantId.Parse("acme"), ExecutionId.Parse("trip"));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly RecoveryPolicy Policy = new()
    {
        IrrevocableActions = IrrevocableActionRule.Allow,
        RefusedVote = RefusedVoteRule.ProceedWithResidue,
    };

    internal static Command Create()
    {
        var folder = new Option<string?>("--folder") { Description = "Where the database, the key and the world are kept; by default a new temporary folder" };
        var command = new Command("demo", "Seven agents book a trip; one process is killed, one booking is wrong; both recover") { folder };
        command.Run((parsed, cancellationToken) =>
            TellAsync(parsed.GetValue(folder) ?? Directory.CreateTempSubdirectory("recovery-demo-").FullName, cancellationToken));
        return command;
    }

    /// <summary>The process that is killed: not for people.</summary>
    internal static Command CreateWorker()
    {
        var folder = new Argument<string>("folder");
        var command = new Command("demo-worker", "The process that the demo kills") { folder };
        command.Hidden = true;
        command.Run(async (parsed, cancellationToken) =>
        {
            var place = new Place(parsed.GetRequiredValue(folder));
            var world = new TripWorld(place.World)
            {
                // kill -9, between the charge and the moment in which the agent could have written that it was made.
                AfterDoing = what => KillIf(what.Contains("charged", StringComparison.Ordinal)),
            };
            await using var journal = await Journals.OpenSqliteAsync(place.Database, cancellationToken: cancellationToken);
            await using var host = await OpenAsync(journal, world, place, cancellationToken);
            await host.StartAsync(
                new ExecutionStart(Trip, [.. TripAgents.All.Select(agent => new AgentAssignment(agent, new AgentClass(agent.Text)))], Policy), cancellationToken);
            await host.SendAsync(Trip, TripAgents.Planner, new TripRequest("Ada", "Lisbon"), cancellationToken);
            await host.SettledAsync(Trip, cancellationToken);
            return Terminal.No; // it should not have lived so long
        });
        return command;
    }

    private static void KillIf(bool now)
    {
        if (now)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
        }
    }

    private static async Task<int> TellAsync(string folder, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var place = new Place(Directory.CreateDirectory(folder).FullName);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        Say("1", "Ada wants a trip to Lisbon. Seven agents book it, in a process of their own.");
        var status = await RunWorkerAsync(folder, patience.Token);
        Say("2", $"The process was killed (kill -9, exit status {status}) while the card was being charged: the bank charged, and nobody wrote it down.");

        var world = new TripWorld(place.World);
        Stands(world);
        await using var journal = await Journals.OpenSqliteAsync(place.Database, cancellationToken: cancellationToken);
        await using var host = await OpenAsync(journal, world, place, patience.Token);
        Say("3", "A new process opens the database. It finds an intent without an outcome: the charge is in doubt, so that interval of payments falls.");
        await host.SettledAsync(Trip, patience.Token);
        var first = (await host.StatusAsync(Trip, patience.Token)).Recoveries.Single();
        StatusCommand.ShowRecovery(first);
        Say("4", "The charge in doubt was undone, payments went back one interval, and the trip went on: charged once.");
        Stands(world);

        var suspect = new Interval(TripAgents.Hotel, CheckpointNumber.Of(1));
        Say("5", "A monitor finds that the hotel's price feed was wrong, long after everybody relied on it. What would fall?");
        PlanCommand.Show(suspect, await host.PlanAsync(Trip, suspect, patience.Token));
        await SignalAsync(host, suspect, patience.Token);
        await host.SettledAsync(Trip, patience.Token);
        var second = (await host.StatusAsync(Trip, patience.Token)).Recoveries[^1];
        StatusCommand.ShowRecovery(second);
        Say("6", "Flight and car were never touched. The mail could not be taken back, and the record says so: that is residue, not silence.");
        Stands(world);
        return await EndAsync(journal, place, world, first, second, clock, patience.Token);
    }

    private static async Task<int> EndAsync(
        IJournalDatabase journal, Place place, TripWorld world, RecoveryStatus first, RecoveryStatus second, Stopwatch clock, CancellationToken cancellationToken)
    {
        var verifier = new LedgerVerifier();
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(Trip.Tenant), 0, cancellationToken))
        {
            verifier.Check(line.Body.Span);
        }

        var charges = world.Standing.Count(what => what.Contains("charged", StringComparison.Ordinal));
        var isRight = first.Phase == CoordinatorPhase.Completed && second.Phase == CoordinatorPhase.CompletedWithResidue
            && charges == 1 && world.Standing.Any(what => what.Contains("at 410", StringComparison.Ordinal)) && verifier.Fault is null;
        Say("7", verifier.Fault is { } fault
            ? $"The ledger is broken at record {fault.Line}: {fault.What}."
            : $"The ledger proves it: {verifier.SoundCount} records, every hash and signature verified, {verifier.Open.Count} recoveries open.");
        Terminal.Out.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[bold]{(isRight ? "All sound" : "Something is wrong")}[/] after {clock.Elapsed.TotalSeconds:0.0} s. Look around:"));
        foreach (var command in new[] { "status", "ledger show", "ledger verify", "graph", "plan flights/1", "replay-journal" })
        {
            Terminal.WriteLine($"  recovery {command} --db {place.Database}");
        }

        return isRight ? Terminal.Done : Terminal.No;
    }

    private static async Task SignalAsync(LocalRecoveryHost host, Interval suspect, CancellationToken cancellationToken)
    {
        await host.SignalAsync(Trip, suspect, IssuerId.Parse("price-monitor"), "9 a night in Lisbon is no price", cancellationToken);
    }

    private static async Task<int> RunWorkerAsync(string folder, CancellationToken cancellationToken)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        }

        start.ArgumentList.Add("demo-worker");
        start.ArgumentList.Add(folder);
        using var worker = Process.Start(start)!;
        try
        {
            await worker.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            worker.Kill();
            throw;
        }

        return worker.ExitCode;
    }

    private static Task<LocalRecoveryHost> OpenAsync(IJournalDatabase journal, TripWorld world, Place place, CancellationToken cancellationToken) =>
        LocalRecoveryHost.OpenAsync(
            journal,
            TripAgents.AddTo(new AgentCatalog(), world),
            new LocalHostOptions { LedgerKey = LedgerKey.OpenOrCreate(place.Key) },
            cancellationToken);

    private static void Say(string step, string text)
    {
        Terminal.Out.WriteLine();
        Terminal.Out.MarkupLine($"[bold blue]{step}[/] {Terminal.Escape(text)}");
    }

    private static void Stands(TripWorld world)
    {
        Terminal.Out.MarkupLine("  [grey]In the world outside now stand:[/]");
        foreach (var what in world.Standing)
        {
            Terminal.Out.MarkupLine($"    - {Terminal.Escape(what)}");
        }
    }

    private sealed record Place(string Folder)
    {
        public string Database => Path.Combine(Folder, "trip.db");

        public string Key => Path.Combine(Folder, "ledger-key.pem");

        public string World => Path.Combine(Folder, "world.log");
    }
}
