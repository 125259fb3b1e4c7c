using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansRecovery.Benchmarks;

/// <summary>
/// Honest users of a real <c>recovery serve</c> on SQLite, over HTTP on the loopback interface, without and with a flood of false signals at their own executions, in turns in one
/// run. Server, users and flood share the machine: what the flood's clients take of it is part of the figures.
/// </summary>
internal static class LoadBenchmark
{
    private const int UserCount = 8;
    private const int FloodAddressCount = 4;
    private const int FloodersPerAddress = 8;
    private const int RequestsMax = 200_000; // of honest users, in one turn
    private const int RoundsPerSecond = 20; // of each user that keeps a pace

    private static readonly string[] Columns =
        ["flood", "honest requests/s", "failed", "p50 ms", "p99 ms", "p99 ms of reads", "p99 ms of writes", "flood/s", "of it admitted", "over the rate"];

    public static async Task RunAsync(bool isShort)
    {
        var (pairs, length) = isShort ? (1, TimeSpan.FromSeconds(3)) : (5, TimeSpan.FromSeconds(10));
        var folder = Directory.CreateTempSubdirectory("recovery-load-").FullName;
        var address = new Uri(FormattableString.Invariant($"http://127.0.0.1:{FreePort()}/"));
        using var server = Start(folder, address);
        try
        {
            using var waiting = LoadClient.ClientFrom("127.0.0.1", address);
            await UpAsync(waiting, server);
            var users = await Task.WhenAll(Enumerable.Range(0, UserCount).Select(number => HonestUser.StartAsync(address, number)));
            var flooders = Enumerable.Range(0, FloodAddressCount * FloodersPerAddress).Select(number => new Flooder(address, number, FloodAddressCount, users)).ToList();
            await TurnAsync(users, flooders, null, isShort ? TimeSpan.FromSeconds(2) : TimeSpan.FromSeconds(5)); // so that nothing is compiled while it is measured, and quotas are used up
            Report.Section(
                "Users over HTTP, with a flood of false signals and without",
                "`recovery serve` as a process, on SQLite, over the loopback interface. Server, users and flood share the machine, so what the flood's clients take of it is part of the figures; with and without in turns.");
            var flood = FormattableString.Invariant($"flood: {FloodAddressCount} addresses, {FloodAddressCount * FloodersPerAddress} connections, as fast as they are answered");
            foreach (var (title, pace) in new (string, TimeSpan?)[]
            {
                ("as fast as they are answered", null),
                (FormattableString.Invariant($"{UserCount * RoundsPerSecond * HonestUser.RequestsPerRound} requests/s offered, each counted from when it was due"), TimeSpan.FromSeconds(1.0 / RoundsPerSecond)),
            })
            {
                Report.Table(FormattableString.Invariant($"HTTP, SQLite, {UserCount} honest users (input, records of a turn, status), {title}; {flood}"), Columns);
                await CompareAsync(users, flooders, pace, pairs, length);
            }

            Array.ForEach(users, user => user.Dispose());
            flooders.ForEach(flooder => flooder.Dispose());
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task CompareAsync(IReadOnlyList<HonestUser> users, IReadOnlyList<Flooder> flooders, TimeSpan? pace, int pairs, TimeSpan length)
    {
        var (off, on) = (new List<object[]>(), new List<object[]>());
        for (var pair = 0; pair < pairs; pair++)
        {
            off.Add(Cells(await TurnAsync(users, [], pace, length)));
            Report.Row(["off", .. off[^1]]);
            on.Add(Cells(await TurnAsync(users, flooders, pace, length)));
            Report.Row(["on", .. on[^1]]);
        }

        Report.Row(["off, medians", .. Medians(off)]);
        Report.Row(["on, medians", .. Medians(on)]);
    }

    private static async Task<Turn> TurnAsync(IReadOnlyList<HonestUser> users, IReadOnlyList<Flooder> flooders, TimeSpan? pace, TimeSpan length)
    {
        using var over = new CancellationTokenSource(length);
        var clock = Stopwatch.StartNew();
        var flooding = flooders.Select(flooder => Task.Run(() => flooder.RunAsync(over.Token))).ToList();
        var working = users.Select(user => Task.Run(() => user.RunAsync(RequestsMax / UserCount, pace, over.Token))).ToList();
        var honest = await Task.WhenAll(working);
        var took = clock.Elapsed;
        await over.CancelAsync();
        var flood = await Task.WhenAll(flooding);
        return new Turn(
            took.TotalSeconds,
            [.. honest.SelectMany(user => user.Reads)],
            [.. honest.SelectMany(user => user.Writes)],
            honest.Sum(user => user.Failed),
            flood.Sum(flooder => flooder.Answered),
            flood.Sum(flooder => flooder.Admitted),
            flood.Sum(flooder => flooder.OverRate));
    }

    private static object[] Cells(Turn turn)
    {
        List<double> all = [.. turn.Reads, .. turn.Writes];
        return
        [
            all.Count / turn.Seconds, (double)turn.Failed, Percentile(all, 0.5), Percentile(all, 0.99), Percentile([.. turn.Reads], 0.99), Percentile([.. turn.Writes], 0.99),
            turn.Answered / turn.Seconds, (double)turn.Admitted, (double)turn.OverRate,
        ];
    }

    private static IEnumerable<object> Medians(List<object[]> turns) =>
        Enumerable.Range(0, turns[0].Length).Select(cell => (object)Percentile([.. turns.Select(turn => (double)turn[cell])], 0.5));

    private static double Percentile(List<double> times, double share)
    {
        times.Sort();
        return times.Count == 0 ? 0 : times[(int)Math.Ceiling(times.Count * share) - 1];
    }

    private static Process Start(string folder, Uri address)
    {
        var start = new ProcessStartInfo(
            "dotnet",
            [Path.Combine(AppContext.BaseDirectory, "recovery.dll"), "serve", "--db", Path.Combine(folder, "load.db"), "--urls", address.GetLeftPart(UriPartial.Authority), "--agent", "honest=http://127.0.0.1:9/"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        var server = Process.Start(start)!;
        server.OutputDataReceived += (_, _) => { };
        server.BeginOutputReadLine();
        return server;
    }

    private static async Task UpAsync(HttpClient client, Process server)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!server.HasExited)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri("/.well-known/agent-recovery", UriKind.Relative));
                return;
            }
            catch (HttpRequestException)
            {
                await timer.WaitForNextTickAsync();
            }
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"'recovery serve' ended with {server.ExitCode}."));
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed record Turn(double Seconds, IReadOnlyList<double> Reads, IReadOnlyList<double> Writes, int Failed, long Answered, long Admitted, long OverRate);
}
