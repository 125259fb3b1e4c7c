using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Reflection;

namespace OrleansRecovery.Samples.FiftyAgents;

/// <summary>Three silos on this machine, each a process.</summary>
internal sealed class SiloProcesses : IDisposable
{
    private const int SiloPort = 11_211;
    private const int GatewayPort = 30_100;

    private readonly List<Process> _silos = [];

    public SiloProcesses(string postgres, string folder)
    {
        for (var number = 0; number < 3; number++)
        {
            string[] arguments =
            [
                Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "Silo").Value!,
                "--agents", Assembly.GetExecutingAssembly().Location,
                "--postgres", postgres,
                "--key", Path.Combine(folder, "ledger.key"),
                "--cluster-id", Path.GetFileName(folder),
                "--service-id", Path.GetFileName(folder),
                "--silo-port", (SiloPort + number).ToString(CultureInfo.InvariantCulture),
                "--gateway-port", (GatewayPort + number).ToString(CultureInfo.InvariantCulture),
                "--failure-detection", "3",
            ];
            var start = new ProcessStartInfo("dotnet", arguments) { UseShellExecute = false, RedirectStandardOutput = true };
            start.Environment[Cabinet.Variable] = Path.Combine(folder, "cabinet");
            var silo = Process.Start(start)!;
            silo.OutputDataReceived += (_, _) => { }; // its logs are not part of the story
            silo.BeginOutputReadLine();
            _silos.Add(silo);
        }
    }

    /// <summary>Where clients connect.</summary>
    public static IPEndPoint[] Gateways { get; } = [.. Enumerable.Range(GatewayPort, 3).Select(port => new IPEndPoint(IPAddress.Loopback, port))];

    /// <summary>kill -9.</summary>
    /// <returns>The id of the process.</returns>
    public int Kill(int number)
    {
        _silos[number].Kill();
        return _silos[number].Id;
    }

    /// <summary>Did a silo end by itself?</summary>
    public bool HasFailed => _silos.Exists(silo => silo.HasExited && silo.ExitCode is > 0 and < 128);

    public void Dispose()
    {
        foreach (var silo in _silos.Where(silo => !silo.HasExited))
        {
            silo.Kill();
        }

        _silos.ForEach(silo => silo.Dispose());
    }
}
