using System.Globalization;
using OrleansRecovery.Benchmarks;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Console.WriteLine($"{Environment.ProcessorCount} cores, .NET {Environment.Version}, SQLite in WAL mode with synchronous=FULL unless said otherwise");
await Bench.WarmUpAsync();

Console.WriteLine("\n| actions journalled (intent and outcome), 256 agents | per second | forced writes |");
Console.WriteLine("| --- | --- | --- |");
foreach (var grouped in new[] { true, false })
{
    var (perSecond, writes) = await Bench.ActionsAsync(agents: 256, each: grouped ? 20 : 4, grouped);
    Console.WriteLine($"| {(grouped ? "group commit" : "one transaction for each append")} | {perSecond:0} | {writes} |");
}

Console.WriteLine("\n| recovery, signal to outcome | agents | prepared to restored, ms | forced writes |");
Console.WriteLine("| --- | --- | --- | --- |");
foreach (var shape in new[] { "fan-out", "chain" })
{
    foreach (var count in new[] { 10, 100, 1000 })
    {
        var (elapsed, writes) = await Bench.RecoveryAsync(shape, count);
        Console.WriteLine($"| {shape}, one compensation each | {count} | {elapsed.TotalMilliseconds:0.0} | {writes} |");
    }
}

