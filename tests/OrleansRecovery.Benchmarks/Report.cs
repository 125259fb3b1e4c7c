using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OrleansRecovery.Benchmarks;

/// <summary>Figures as Markdown, with what they were measured on.</summary>
internal static class Report
{
    /// <summary>Where and with what this runs.</summary>
    public static void Machine()
    {
        var model = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
        Console.WriteLine(
            $"{model ?? RuntimeInformation.ProcessArchitecture.ToString()}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}; "
            + $"{RuntimeInformation.FrameworkDescription}, server GC {System.Runtime.GCSettings.IsServerGC}; load before: {Load()}");
    }

    /// <summary>One table. Rows come as they are measured.</summary>
    public static void Table(string title, params string[] columns)
    {
        Console.WriteLine($"\n{title}\n");
        Row(columns);
        Row([.. columns.Select(_ => "---")]);
    }

    /// <summary>One row.</summary>
    public static void Row(params object[] cells) =>
        Console.WriteLine($"| {string.Join(" | ", cells.Select(cell => cell is double number ? Short(number) : Convert.ToString(cell, CultureInfo.InvariantCulture)))} |");

    /// <summary>Runs something again and again and gives the median and the best, in milliseconds.</summary>
    public static (double Median, double Best) Time(bool isShort, Action run)
    {
        run();
        var times = new List<double>();
        for (var total = Stopwatch.StartNew(); times.Count < 3 || (total.Elapsed.TotalSeconds < (isShort ? 0.2 : 1.5) && times.Count < 10_000);)
        {
            var clock = Stopwatch.StartNew();
            run();
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        return (times[times.Count / 2], times[0]);
    }

    private static string Short(double number) => Math.Abs(number) switch
    {
        0 => "0",
        >= 1_000 => number.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => number.ToString("0.0", CultureInfo.InvariantCulture),
        >= 0.1 => number.ToString("0.00", CultureInfo.InvariantCulture),
        _ => number.ToString("0.0000", CultureInfo.InvariantCulture),
    };

    private static string Load() => File.Exists("/proc/loadavg") ? string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3)) : "unknown";
}
