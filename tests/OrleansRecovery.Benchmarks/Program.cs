using System.Globalization;
using BenchmarkDotNet.Running;
using OrleansRecovery.Benchmarks;
using OrleansRecovery.Benchmarks.Blast;
using OrleansRecovery.Benchmarks.Peers;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is ["peer-worker"])
{
    await OurWorker.RunAsync();
    return 0;
}

const string Load = "load"; // of a server that is a process of its own: told, and not in the report
var (isShort, isFull) = (args.Contains("--short"), args.Contains("--full"));
var name = args.FirstOrDefault(argument => !argument.StartsWith("--", StringComparison.Ordinal)) ?? "all";
var benchmarks = new (string Name, Func<Task> RunAsync)[]
{
    ("set", () => Task.Run(() => RollbackSetBenchmark.Run(isShort))),
    ("micro", () => Task.Run(() => StepBenchmarks.Run(isShort))),
    ("journal", () => JournalBenchmark.RunAsync(isShort)),
    ("host", () => HostBenchmark.RunAsync(isShort)),
    ("recovery", () => RecoveryBenchmark.RunAsync(isShort)),
    ("scale", () => ScaleBenchmark.RunAsync(isShort, isFull)),
    ("peers", () => PeerBenchmark.RunAsync(isShort)),
    (Load, () => LoadBenchmark.RunAsync(isShort)),
    ("blast", () => Task.Run(() => BlastBenchmark.Run(isShort))),
};
if (name == "bdn")
{
    BenchmarkRunner.Run([typeof(StepBenchmarks), typeof(WalkBenchmarks)]);
    return 0;
}

var chosen = benchmarks.Where(benchmark => name == "all" || name == benchmark.Name || (name == "report" && benchmark.Name != Load)).ToList();
if (chosen.Count == 0)
{
    Console.Error.WriteLine(
        $"There is no benchmark '{name}'. Name one of: {string.Join(", ", benchmarks.Select(benchmark => benchmark.Name))}, bdn, all, or report, which writes docs/performance.md; "
        + "add --short for a quick run, --full for ten million messages and records.");
    return 2;
}

var machine = Report.Machine();
if (name == "report")
{
    PerformanceDocument.Begin();
}

try
{
    foreach (var (_, runAsync) in chosen)
    {
        await runAsync();
    }

    if (name == "report")
    {
        await PerformanceDocument.WriteAsync(machine, isShort);
    }
}
finally
{
    await Databases.EndAsync();
}

return 0;
