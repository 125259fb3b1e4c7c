using System.Globalization;
using BenchmarkDotNet.Running;
using OrleansRecovery.Benchmarks;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var isShort = args.Contains("--short");
var name = args.FirstOrDefault(argument => argument != "--short") ?? "all";
var benchmarks = new (string Name, Func<bool, Task> RunAsync)[]
{
    ("set", isShort => Task.Run(() => RollbackSetBenchmark.Run(isShort))),
    ("index", isShort => Task.Run(() => IndexBenchmark.Run(isShort))),
    ("journal", JournalBenchmark.RunAsync),
    ("host", HostBenchmark.RunAsync),
    ("recovery", RecoveryBenchmark.RunAsync),
    ("load", LoadBenchmark.RunAsync),
};
if (name == "micro")
{
    BenchmarkRunner.Run<MicroBenchmarks>();
    return 0;
}

var chosen = benchmarks.Where(benchmark => name == "all" || name == benchmark.Name).ToList();
if (chosen.Count == 0)
{
    Console.Error.WriteLine($"There is no benchmark '{name}'. Name one of: {string.Join(", ", benchmarks.Select(benchmark => benchmark.Name))}, micro, all; add --short for a quick run.");
    return 2;
}

Report.Machine();
foreach (var (_, runAsync) in chosen)
{
    await runAsync(isShort);
}

return 0;
