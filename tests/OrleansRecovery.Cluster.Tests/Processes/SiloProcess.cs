using System.Diagnostics;
using System.Globalization;
using OrleansRecovery.TestSilo;

namespace OrleansRecovery.Cluster.Tests.Processes;

/// <summary>One silo, as a process of its own.</summary>
internal sealed class SiloProcess : IDisposable
{
    private readonly Process _process;
    private readonly string _death;
    private readonly string _log;

    public SiloProcess(string folder, string postgres, string world, int siloPort, int gatewayPort, params string[] also)
    {
        (SiloPort, _death, _log) = (siloPort, Path.Combine(folder, $"death-{siloPort}"), Path.Combine(folder, $"silo-{siloPort}.log"));
        string[] arguments =
        [
            typeof(TestSiloEnvironment).Assembly.Location,
            "--postgres", postgres,
            "--key", Path.Combine(folder, "key.pem"),
            "--silo-port", siloPort.ToString(CultureInfo.InvariantCulture),
            "--gateway-port", gatewayPort.ToString(CultureInfo.InvariantCulture),
            "--failure-detection", "3",
            .. also,
        ];

        // A file takes what it says: nobody has to read while it runs, and what a killed one said last is kept.
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec dotnet \"$@\" > '{_log}' 2>&1", "silo", .. arguments]) { UseShellExecute = false };
        start.Environment[TestSiloEnvironment.World] = world;
        start.Environment[TestSiloEnvironment.Death] = _death;
        start.Environment["DOTNET_TieredPGO"] = "0"; // it lives for a moment: what it starts with counts
        _process = Process.Start(start)!;
    }

    public int SiloPort { get; }

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>What it said last.</summary>
    public string Said => File.Exists(_log) ? string.Join('\n', File.ReadLines(_log).TakeLast(5).Select(line => line[..Math.Min(line.Length, 500)])) : string.Empty;

    /// <summary>Dies by itself at a write of its own: the n-th from now on, before or after it is durable.</summary>
    public void DieAt(int write, bool isBefore) => File.WriteAllText(_death, $"{write.ToString(CultureInfo.InvariantCulture)} {(isBefore ? "before" : "after")}");

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>What an operator or Kubernetes does: SIGTERM.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
