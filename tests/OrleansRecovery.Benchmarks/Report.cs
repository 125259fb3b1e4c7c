using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace OrleansRecovery.Benchmarks;

/// <summary>Figures as Markdown, with what they were measured on. What is printed is also kept, for a document.</summary>
internal static class Report
{
    private static readonly StringBuilder Kept = new();

    /// <summary>All that was written so far.</summary>
    public static string Text => Kept.ToString();

    /// <summary>Goals of issue 7 that were met or missed, in the order in which they were measured.</summary>
    public static List<(string Goal, string Measured, bool IsMet)> Goals { get; } = [];

    /// <summary>Where and with what this runs.</summary>
    public static string Machine()
    {
        var model = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
        var machine =
            $"{model ?? RuntimeInformation.ProcessArchitecture.ToString()}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}; "
            + $"{RuntimeInformation.FrameworkDescription}, server GC {System.Runtime.GCSettings.IsServerGC}; load before: {Load()}";
        Console.WriteLine(machine);
        return machine;
    }

    /// <summary>Did the machine have more to do than it has cores, before anything was measured?</summary>
    public static bool IsBusy { get; } =
        double.TryParse(Load().Split(' ')[0], CultureInfo.InvariantCulture, out var load) && load > Environment.ProcessorCount;

    /// <summary>A line of Markdown.</summary>
    public static void Line(string text)
    {
        Console.WriteLine(text);
        Kept.Append(text).Append('\n');
    }

    /// <summary>A part of the document: what is measured and how.</summary>
    public static void Section(string title, string method) => Line($"\n## {title}\n\n{method}");

    /// <summary>One table. Rows come as they are measured.</summary>
    public static void Table(string title, params string[] columns)
    {
        Line($"\n{title}\n");
        Row(columns);
        Row([.. columns.Select(_ => "---")]);
    }

    /// <summary>One row.</summary>
    public static void Row(params object[] cells) =>
        Line($"| {string.Join(" | ", cells.Select(cell => cell is double number ? Short(number) : Convert.ToString(cell, CultureInfo.InvariantCulture)))} |");

    /// <summary>Says whether a goal was met: a ratio that is at most, or at least, so much.</summary>
    public static void Goal(string what, double measured, double limit, bool isUpperLimit)
    {
        var isMet = isUpperLimit ? measured <= limit : measured >= limit;
        Goals.Add(($"{what}: {(isUpperLimit ? "at most" : "at least")} {Short(limit)}", Short(measured), isMet));
    }

    /// <summary>Runs something again and again and gives the median and the best, in milliseconds, and the bytes that one run allocates.</summary>
    public static (double Median, double Best, double Bytes) Time(bool isShort, Action run)
    {
        run();
        var times = new List<double>();
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        for (var total = Stopwatch.StartNew(); times.Count < 3 || (total.Elapsed.TotalSeconds < (isShort ? 0.2 : 1) && times.Count < 10_000);)
        {
            var clock = Stopwatch.StartNew();
            run();
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        var bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)times.Count;
        times.Sort();
        return (times[times.Count / 2], times[0], bytes);
    }

    /// <summary>The value below which this share of the values is.</summary>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
    }

    /// <summary>A number with the digits that matter.</summary>
    public static string Short(double number) => Math.Abs(number) switch
    {
        0 => "0",
        >= 1_000 => number.ToString("N0", CultureInfo.InvariantCulture),
        >= 10 => number.ToString("0.0", CultureInfo.InvariantCulture),
        >= 0.1 or 0 => number.ToString("0.00", CultureInfo.InvariantCulture),
        _ => number.ToString("0.0000", CultureInfo.InvariantCulture),
    };

    private static string Load() => File.Exists("/proc/loadavg") ? string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3)) : "unknown";
}
