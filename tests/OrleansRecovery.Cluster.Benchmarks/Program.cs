using System.Diagnostics;
using System.Globalization;
using BenchmarkDotNet.Running;
using OrleansRecovery.Cluster.Benchmarks;

if (args is ["rollback", ..])
{
    await RollbackBenchmark.RunAsync(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5);
    return;
}

if (args is ["messages", ..])
{
    await MessageBenchmark.RunAsync(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 5);
    return;
}

if (args is not ["ratio", ..])
{
    BenchmarkRunner.Run<CallBenchmarks>();
    return;
}

// In turns, so that what else the machine does meets all of them alike.
var calls = new CallBenchmarks();
await calls.SetUpAsync();
var rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 500;
await CompareAsync("from grain to grain on one silo", calls.WithoutFilters, calls.WithAnEmptyFilter, calls.WithFilters);
await CompareAsync("from a client in the same process", calls.ClientWithoutFilters, calls.ClientWithAnEmptyFilter, calls.ClientWithFilters);
await calls.CleanUpAsync();

async Task CompareAsync(string title, params Func<Task<int>>[] kinds)
{
    var times = kinds.Select(_ => new List<double>()).ToArray();
    for (var round = -rounds / 5; round < rounds; round++)
    {
        for (var i = 0; i < kinds.Length; i++)
        {
            var which = (i + round + rounds) % kinds.Length;
            var clock = Stopwatch.StartNew();
            var count = await kinds[which]();
            if (round >= 0)
            {
                times[which].Add(clock.Elapsed.TotalMicroseconds / count);
            }
        }
    }

    Array.ForEach(times, list => list.Sort());
    Console.WriteLine($"\nCalls {title}: {rounds} rounds in turns, microseconds per call\n");
    Console.WriteLine("| filters | best | lowest quarter | median | calls/s (median) | ratio of bests | ratio of medians |\n| --- | --- | --- | --- | --- | --- | --- |");
    foreach (var (name, list) in new[] { "none", "one that does nothing", "this library's" }.Zip(times))
    {
        var (best, quarter, median) = (list[0], list[list.Count / 4], list[list.Count / 2]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {best:0.00} | {quarter:0.00} | {median:0.00} | {1e6 / median:N0} | {times[0][0] / best:0.000} | {times[0][times[0].Count / 2] / median:0.000} |"));
    }
}
