using System.Diagnostics;
using System.Text;
using System.Xml.Linq;
using OrleansRecovery.Benchmarks.Peers;

namespace OrleansRecovery.Benchmarks;

/// <summary>Writes docs/performance.md and its plots from a run of all benchmarks.</summary>
internal static class PerformanceDocument
{
    private const int ClusterRounds = 2;

    private const string Incomplete = "It ended with an error before it was through: what is missing here was not measured.";

    private const string Busy =
        "\n**Provisional: the machine was busy with other work when this was measured, and the load is in every figure. Measure again on an idle machine before you cite any.**\n";

    private static readonly Stopwatch Clock = new();

    /// <summary>From here on plots are written.</summary>
    public static void Begin()
    {
        Plot.Folder = Path.Combine(PeerPackages.Root, "docs", "images", "performance");
        Clock.Start();
    }

    /// <summary>Measures the cluster in its own process, and writes the document.</summary>
    public static async Task WriteAsync(string machine, bool isShort)
    {
        await ClusterAsync(isShort);
        var text = new StringBuilder();
        text.Append(CultureInfo, $"""
            # Performance

            Written by `dotnet run -c Release --project tests/OrleansRecovery.Benchmarks -- report{(isShort ? " --short" : "")}` in {Clock.Elapsed.TotalMinutes:0} minutes; not edited by hand. Figures are of one
            machine at one time, and a load that was not ours is in them: trust ratios, which are of one run.
            {(Report.IsBusy ? Busy : "")}
            - Machine: {machine}
            - Packages: {string.Join(", ", Versions())}
            - Method: what is compared is measured in turns, in one run, and medians are given; nothing is measured before it was run once. Every wait has an end. All is on the loopback interface.


            """);
        text.Append("## Goals\n\n| goal | measured | met |\n| --- | --- | --- |\n");
        foreach (var (goal, measured, isMet) in Report.Goals)
        {
            text.Append(CultureInfo, $"| {goal} | {measured} | {(isMet ? "yes" : "no")} |\n");
        }

        text.Append(Report.Text).Append(Rest);
        var file = Path.Combine(PeerPackages.Root, "docs", "performance.md");
        await File.WriteAllTextAsync(file, text.ToString());
        Console.WriteLine($"\nWritten: {file}");
    }

    private static System.Globalization.CultureInfo CultureInfo => System.Globalization.CultureInfo.InvariantCulture;

    private const string Rest = """

        ## Where a goal is missed: why, and what would have to change

        - **A message's overhead.** A plain actor makes one record durable for each message; an agent makes four, in one append: the interval, what it consumed, what it sent, the turn's end.
          They are four rows, four pieces of JSON and four entries in the index of the execution, and each message passes three loops (mailbox, turn, writer). Most of the difference is processor
          time, not the disk. It would take one row for a turn, in a binary form, and agents that share a loop for each partition instead of having one each.
        - **Rollback of many agents.** Prepare, vote, commit, restore and release are messages to each agent, and each agent's promise and return are records of its own. They share forced writes, so
          that there are few; but each round waits for the one before. 1 + partitions would take a participant that speaks for all agents of a partition, with one vote and one record.
        - **Sagas.** A step is three durable writes here, one after the other (what is to be done, what came of it, the turn's end), where engines of workflows make one or two. What came of an
          action and the turn's end could be one write when nothing comes in between; and an agent that fell is loaded from its journal again before it is released.
        - **On a cluster** each agent's records are grain state, and each write is a forced write of its own: a journal for each silo would let agents share them, and would tie agents to silos.

        ## What these figures do not say

        - Forced writes are as dear as this machine's disk makes them, and a virtual disk may acknowledge what it has only in memory: absolute rates do not travel, ratios do.
        - Peers are measured as their documentation sets them up on one machine. Restate and DBOS are made for many; here nobody pays for a network, nor for copies on other machines.
        - Peers bring workflows, and this library a record of who relied on whom: a saga that is known to fail as a whole is their home ground, and does not need that record.
        - The worker of a peer on Node.js is another language and another runtime: its memory and its rate are those of a whole solution, not of an algorithm.
        - What a peer does not do is not measured: only this library undoes work of agents that were not part of the same workflow.
        - In the blast radius the failing step is known, but for the table of wrong ones; steps and what they read are recorded, edges of mixing are drawn by chance with a fixed seed.
        - On Who&When a cut of the order of steps is right for nearly every single run: there our gain comes from runs that go on side by side, and it shrinks with lag and mixing.

        ## Repeat it

            dotnet run -c Release --project tests/OrleansRecovery.Benchmarks -- report           # all, and this document
            dotnet run -c Release --project tests/OrleansRecovery.Benchmarks -- peers            # one part: set, micro, journal, host, recovery, scale, peers, blast
            dotnet run -c Release --project tests/OrleansRecovery.Benchmarks -- scale --full     # ten million messages, ten million records
            dotnet run -c Release --project tests/OrleansRecovery.Benchmarks -- bdn              # steps and walks by BenchmarkDotNet
            dotnet run -c Release --project tests/OrleansRecovery.Cluster.Benchmarks -- messages # on a cluster
            dotnet run -c Release --project tests/OrleansRecovery.Cluster.Benchmarks -- rollback # on a cluster
            dotnet run -c Release --project tests/OrleansRecovery.Cluster.Benchmarks -- ratio    # what the filters cost calls of grains

        Peers are brought by npm and NuGet into `artifacts/peers`; PostgreSQL is Debian's, in a server of its own. What cannot be had is named as absent.

        """;

    private static async Task ClusterAsync(bool isShort)
    {
        Report.Section("On a cluster", """
            The same on two Orleans silos that share a database, where each agent's records are grain state and each write of them is a forced write of its own: messages in rings
            beside plain grains that write their state after each, and the rollback.
            """);
        var program = Path.Combine(
            PeerPackages.Root, "tests", "OrleansRecovery.Cluster.Benchmarks", "bin", "Release", "net10.0", "OrleansRecovery.Cluster.Benchmarks.dll");
        if (!File.Exists(program))
        {
            Report.Line("\nNot measured: tests/OrleansRecovery.Cluster.Benchmarks is not built in Release.");
            return;
        }

        await ClusterAsync(program, "messages", isShort);
        await ClusterAsync(program, "rollback", isShort);
    }

    private static async Task ClusterAsync(string program, string what, bool isShort)
    {
        using var folder = new TemporaryFolder(); // the cluster leaves logs where it runs
        var start = new ProcessStartInfo("dotnet", [program, what, isShort ? "1" : ClusterRounds.ToString(CultureInfo)])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = folder.Path,
        };
        using var process = Process.Start(start)!;
        var isFirst = true;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        try
        {
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                if (!isFirst)
                {
                    Report.Line(line); // the first names the machine, which is known
                }

                isFirst = false;
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Report.Line("\nIt was not over after ten minutes, and was ended.");
        }

        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            Report.Line($"\n{Incomplete}");
        }
    }

    private static IEnumerable<string> Versions()
    {
        var pinned = XDocument.Load(Path.Combine(PeerPackages.Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(package => package.Attribute("Include")!.Value, package => package.Attribute("Version")!.Value);
        return new[] { "Microsoft.Data.Sqlite.Core", "Npgsql", "Microsoft.Orleans.Server", "QuikGraph", "BenchmarkDotNet" }.Select(name => $"{name} {pinned[name]}");
    }
}
