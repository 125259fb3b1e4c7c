using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Benchmarks.Peers;

/// <summary>
/// The same sagas on this library and on what a user would pick instead, in turns: so many steps over so many participants, a failure after the last, and every
/// step undone; then the same with the process killed in the midst.
/// </summary>
internal static class PeerBenchmark
{
    private const int StepCount = 8;
    private const int ParticipantCount = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(bool isShort)
    {
        Report.Section("Peers", """
            The same saga on this library and on what a user would pick instead, each as its own documentation writes one and with its own standard of durability.
            A participant's call is a line in a file, so that what is done, undone and repeated can be counted after a kill. Memory is the proportional set of the worker and
            of all that it starts; PostgreSQL's is that of the whole server. Processor time is what another load on the machine changes least.
            """);
        var present = await InstallAsync();
        foreach (var lanes in isShort ? [1, 16] : new[] { 1, 32 })
        {
            var sagas = lanes == 1 ? (isShort ? 8 : 20) : isShort ? 40 : 150;
            await CompareAsync(present, lanes, sagas, isShort ? 1 : 3);
        }

        await KillAsync(present, isShort ? 30 : 80);
    }

    private static async Task<List<(Peer Peer, IReadOnlyList<string> Command)>> InstallAsync()
    {
        var present = new List<(Peer, IReadOnlyList<string>)>();
        var absent = new List<(string Name, string Reason)> { ("Temporal", "its server comes neither from NuGet nor from npm") };
        foreach (var peer in Peer.All)
        {
            try
            {
                present.Add(peer.NeedsPostgres && PostgresServer.MissingReason is { } missing
                    ? throw new AbsentPeerException(missing)
                    : (peer, await peer.InstallAsync()));
            }
            catch (AbsentPeerException reason)
            {
                absent.Add(($"{peer.Name} on {peer.Storage}", reason.Message));
            }
        }

        foreach (var (name, package, version) in Peer.Sought)
        {
            absent.Add((name, await PeerPackages.WhyNotAsync(package, version) ?? $"{package} {version} restores here, and this harness has no worker for it"));
        }

        Report.Table("Peers that are not measured", "engine", "reason");
        absent.ForEach(peer => Report.Row(peer.Name, peer.Reason));
        return present;
    }

    private static async Task CompareAsync(
        List<(Peer Peer, IReadOnlyList<string> Command)> peers, int lanes, int sagas, int rounds)
    {
        var runs = peers.ToDictionary(pair => pair.Peer, _ => new List<Measured>());
        var failures = new Dictionary<Peer, string>();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (peer, command) in peers.Where(pair => !failures.ContainsKey(pair.Peer)))
            {
                try
                {
                    runs[peer].Add(await MeasureAsync(peer, command, lanes, sagas));
                }
                catch (Exception failure) when (failure is TimeoutException or InvalidOperationException)
                {
                    failures[peer] = failure.Message;
                }
            }
        }

        Report.Table(
            $"Sagas of {StepCount} steps over {ParticipantCount} participants, all of them undone; {lanes} at once, {sagas} a round, medians of {rounds} rounds in turns",
            "engine", "storage", "sagas/s", "ratio to the best peer", "recovery p50, ms", "recovery p99, ms", "processor, ms/saga", "PostgreSQL's, ms/saga", "memory, MB", "PostgreSQL's, MB");
        var best = runs.Where(run => run.Key.Name != Peer.All[0].Name && run.Value.Count > 0).Select(run => Median(run.Value, item => item.PerSecond)).DefaultIfEmpty(double.NaN).Max();
        foreach (var (peer, _) in peers)
        {
            if (failures.TryGetValue(peer, out var failure))
            {
                Report.Row(peer.Name, peer.Storage, $"failed: {failure}", "", "", "", "", "", "", "");
                continue;
            }

            var own = runs[peer];
            var perSecond = Median(own, item => item.PerSecond);
            Report.Row(
                peer.Name, peer.Storage, perSecond, perSecond / best, Median(own, item => item.P50), Median(own, item => item.P99),
                Median(own, item => item.Processor), peer.NeedsPostgres ? Median(own, item => item.PostgresProcessor) : "", Median(own, item => item.Megabytes), peer.NeedsPostgres ? Median(own, item => item.PostgresMegabytes) : "");
        }

        if (lanes > 1 && best is not double.NaN)
        {
            Report.Goal(
                $"Durable sagas per second, {lanes} at once, against the best peer",
                runs.Where(run => run.Key.Name == Peer.All[0].Name && run.Value.Count > 0).Max(run => Median(run.Value, item => item.PerSecond)) / best, 2, isUpperLimit: false);
            return;
        }

        if (lanes == 1)
        {
            Report.Table("How each is set up, as its worker says", "engine", "storage", "configuration");
            foreach (var (peer, _) in peers.Where(pair => runs[pair.Peer].Count > 0))
            {
                Report.Row(peer.Name, peer.Storage, runs[peer][0].Configuration);
            }
        }
    }

    private static async Task<Measured> MeasureAsync(Peer peer, IReadOnlyList<string> command, int lanes, int sagas)
    {
        using var folder = new TemporaryFolder();
        var orders = await OrdersAsync(peer, folder.Path, "measure", sagas, Math.Max(lanes, sagas / 5), lanes);
        await using var worker = PeerProcess.Start(command, orders);
        await worker.ReadyAsync(Patience);
        var before = PostgresProcessor;
        var seconds = await worker.EndAsync(Patience);
        var used = (PostgresProcessor - before) / (sagas + orders.Warm); // the server's also while it was warmed
        var world = SagaWorld.Read(orders.World);
        if (world.Standing > 0 || world.Unfinished(Enumerable.Range(0, sagas).Select(number => $"s{number}"), StepCount) > 0)
        {
            throw new InvalidOperationException($"{world.Standing} steps stand, and not all sagas came to their end");
        }

        var recoveries = worker.Recoveries.Order().ToList();
        return new Measured(
            sagas / seconds, recoveries[recoveries.Count / 2], recoveries[recoveries.Count * 99 / 100],
            worker.Processor / sagas, used, worker.Megabytes, PostgresMegabytes, worker.Configuration);
    }

    private static async Task KillAsync(List<(Peer Peer, IReadOnlyList<string> Command)> peers, int sagas)
    {
        const int Lanes = 16;
        Report.Table(
            $"Killed with SIGKILL half-way through {sagas} sagas, {Lanes} at once, with all that the worker started; then started again",
            "engine", "storage", "accepted before", "not carried to their end", "steps left standing", "calls repeated", "of calls", "start to the last compensation, s");
        foreach (var (peer, command) in peers)
        {
            try
            {
                await KillAsync(peer, command, sagas, Lanes);
            }
            catch (Exception failure) when (failure is TimeoutException or InvalidOperationException)
            {
                Report.Row(peer.Name, peer.Storage, $"failed: {failure.Message}", "", "", "", "", "");
            }
        }
    }

    private static async Task KillAsync(Peer peer, IReadOnlyList<string> command, int sagas, int lanes)
    {
        using var folder = new TemporaryFolder();
        var orders = await OrdersAsync(peer, folder.Path, "kill", sagas, 0, lanes);
        List<string> accepted;
        await using (var worker = PeerProcess.Start(command, orders))
        {
            await worker.ReadyAsync(Patience);
            await UntilAsync(() => SagaWorld.Read(orders.World).LineCount >= sagas * StepCount, Patience); // of twice as many
            await worker.KillAsync();
            accepted = [.. worker.Accepted];
        }

        var clock = Stopwatch.StartNew();
        await using var again = PeerProcess.Start(command, orders with { Mode = "resume", Accepted = accepted });
        await again.ReadyAsync(Patience);
        var finished = await UntilAsync(
            () =>
            {
                // Of those whose acceptance the kill cut off some go on too, and leave nothing standing either.
                var now = SagaWorld.Read(orders.World);
                return now.Unfinished(accepted, StepCount) == 0 && now.Standing == 0;
            },
            TimeSpan.FromSeconds(90));
        var seconds = clock.Elapsed.TotalSeconds;
        var world = SagaWorld.Read(orders.World);
        Report.Row(
            peer.Name, peer.Storage, accepted.Count, world.Unfinished(accepted, StepCount), world.Standing, world.Repeated, world.LineCount,
            finished ? seconds : $"not within {seconds:0}");
    }

    private static async Task<Orders> OrdersAsync(Peer peer, string folder, string mode, int sagas, int warm, int lanes)
    {
        var (url, npgsql) = peer.NeedsPostgres ? await Databases.NewPostgresAsync() : ("", "");
        return new Orders(
            mode, sagas, warm, StepCount, ParticipantCount, lanes, Path.Combine(folder, "world.txt"), folder, url, npgsql, PeerPackages.OrleansSchema, FreePorts(4), []);
    }

    private static async Task<bool> UntilAsync(Func<bool> condition, TimeSpan patience)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var clock = Stopwatch.StartNew(); !condition(); await timer.WaitForNextTickAsync())
        {
            if (clock.Elapsed > patience)
            {
                return false;
            }
        }

        return true;
    }

    private static List<int> FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToList();
        listeners.ForEach(listener => listener.Dispose());
        return ports;
    }

    private static double PostgresProcessor => Databases.ServerProcess is { } server ? PeerProcess.ProcessorOf(server) : 0;

    private static double PostgresMegabytes => Databases.ServerProcess is { } server ? PeerProcess.MegabytesOf(server) : 0;

    private static double Median(List<Measured> runs, Func<Measured, double> value) => runs.Select(value).Order().ElementAt(runs.Count / 2);

    private sealed record Measured(double PerSecond, double P50, double P99, double Processor, double PostgresProcessor, double Megabytes, double PostgresMegabytes, string Configuration);
}
