using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace OrleansRecovery.Benchmarks.Peers;

/// <summary>A worker as a process of its own, with what it starts.</summary>
internal sealed class PeerProcess : IAsyncDisposable
{
    private const int TicksPerSecond = 100; // Linux counts so for every program, whatever its own clock

    private readonly Process _process;
    private readonly Task _reading;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<double> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<string> _errors = [];

    private PeerProcess(Process process)
    {
        _process = process;
        _reading = ReadAsync();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text)
            {
                _errors.Enqueue(text);
            }
        };
        process.BeginErrorReadLine();
    }

    /// <summary>How it is set up, as it says itself.</summary>
    public string Configuration { get; private set; } = "";

    /// <summary>Sagas whose start it acknowledged as durable.</summary>
    public ConcurrentQueue<string> Accepted { get; } = [];

    /// <summary>Milliseconds from failure to the end of the compensations, of measured sagas.</summary>
    public ConcurrentQueue<double> Recoveries { get; } = [];

    /// <summary>Memory that it and its children do not share with others, with their part of what they do share, in MB.</summary>
    public double Megabytes => Tree(_process.Id).Sum(Proportional) / 1024.0;

    /// <summary>The first error that it printed.</summary>
    public string? Error => _errors.FirstOrDefault();

    public static PeerProcess Start(IReadOnlyList<string> command, Orders orders)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = orders.Folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["SAGA"] = JsonSerializer.Serialize(orders, JsonSerializerOptions.Web);
        return new PeerProcess(Process.Start(start)!);
    }

    /// <summary>Milliseconds of processor time that it and its children took from the first measured saga to the last.</summary>
    public double Processor { get; private set; }

    /// <summary>Memory of a process tree by its root's id, in MB.</summary>
    public static double MegabytesOf(int root) => Tree(root).Sum(Proportional) / 1024.0;

    /// <summary>Processor time of a process tree by its root's id, with that of children that have ended, in milliseconds.</summary>
    public static double ProcessorOf(int root) => Tree(root).Sum(Ticks) * 1_000.0 / TicksPerSecond;

    /// <summary>It waits for work.</summary>
    public Task ReadyAsync(TimeSpan patience) => _ready.Task.WaitAsync(patience);

    /// <summary>The measured part is over: the seconds that it took.</summary>
    public Task<double> EndAsync(TimeSpan patience) => _end.Task.WaitAsync(patience);

    /// <summary>Ends it and all that it started with SIGKILL, each by its id.</summary>
    public Task KillAsync() => KillAsync(Tree(_process.Id));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            var tree = Tree(_process.Id);
            _process.StandardInput.Close();
            try
            {
                await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(15));
            }
            catch (TimeoutException)
            {
                // It is ended below, with what it started.
            }

            await KillAsync(tree);
        }

        _process.Dispose();
    }

    private async Task KillAsync(List<int> tree)
    {
        foreach (var id in tree)
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
                await process.WaitForExitAsync();
            }
            catch (Exception ended) when (ended is ArgumentException or InvalidOperationException)
            {
                // It has ended already.
            }
        }

        await _process.WaitForExitAsync();
        await _reading;
    }

    private async Task ReadAsync()
    {
        var isMeasured = false;
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            switch (line.Split('\t'))
            {
                case ["config", var text]:
                    Configuration = text;
                    break;
                case ["ready"]:
                    _ready.TrySetResult();
                    break;
                case ["begin"]:
                    isMeasured = true;
                    Processor = ProcessorOf(_process.Id);
                    break;
                case ["accepted", var saga]:
                    Accepted.Enqueue(saga);
                    break;
                case ["done", _, var milliseconds] when isMeasured:
                    Recoveries.Enqueue(double.Parse(milliseconds, CultureInfo.InvariantCulture));
                    break;
                case ["end", var seconds]:
                    Processor = ProcessorOf(_process.Id) - Processor;
                    _end.TrySetResult(double.Parse(seconds, CultureInfo.InvariantCulture));
                    break;
            }
        }

        var ended = new InvalidOperationException($"The worker ended: {Error ?? "it said nothing"}");
        _ready.TrySetException(ended);
        _end.TrySetException(ended);
        _ = (_ready.Task.Exception, _end.Task.Exception); // nobody may wait for them
    }

    private static List<int> Tree(int root)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            var id = int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);
            if (Fields(id) is { } fields)
            {
                parents[id] = int.Parse(fields[1], CultureInfo.InvariantCulture);
            }
        }

        var tree = new List<int> { root };
        for (var i = 0; i < tree.Count; i++)
        {
            tree.AddRange(parents.Where(pair => pair.Value == tree[i]).Select(pair => pair.Key));
        }

        return tree;
    }

    // What stands after the name, which may hold anything but ends with the last parenthesis: the state, the parent, and at 11 the ticks. Null: it has ended.
    private static string[]? Fields(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    // In its own code, in the kernel, and the same of children that have ended.
    private static long Ticks(int process) =>
        Fields(process) is { } fields ? fields.Skip(11).Take(4).Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture)) : 0;

    private static double Proportional(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/smaps_rollup").FirstOrDefault(line => line.StartsWith("Pss:", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
