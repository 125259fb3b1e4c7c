using OrleansRecovery.Simulation;

if (args is ["--seed", var one])
{
    var told = new Run(int.Parse(one, System.Globalization.CultureInfo.InvariantCulture), new RunOptions { Tells = true }).Go();
    foreach (var line in told.Lines)
    {
        Console.WriteLine(line);
    }

    foreach (var fault in told.Faults)
    {
        Console.WriteLine($"FAULT {fault}");
    }

    Console.WriteLine(told.Digest);
    return told.Faults.Count == 0 ? 0 : 1;
}

var count = args is ["--seeds", var many, ..] ? int.Parse(many, System.Globalization.CultureInfo.InvariantCulture) : 1_000;
var from = args is [_, _, "--from", var first] ? int.Parse(first, System.Globalization.CultureInfo.InvariantCulture) : 1;
var clock = System.Diagnostics.Stopwatch.StartNew();
var bad = 0;
for (var seed = from; seed < from + count; seed++)
{
    var result = new Run(seed).Go();
    if (result.Faults.Count > 0)
    {
        bad++;
        Console.WriteLine($"{seed}: {result.Faults[0]}");
    }
}

Console.WriteLine($"{count} seeds in {clock.Elapsed.TotalSeconds:0.0} s, {bad} failed");
return bad == 0 ? 0 : 1;
