using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>A program of a test, as a process of its own, which is killed and started again. What it says goes to a file.</summary>
internal sealed class AgentProcess : IDisposable
{
    private readonly string[] _command;
    private readonly string _log;
    private readonly Lock _sync = new();
    private Process? _process;

    public AgentProcess(string log, params string[] command) => (_log, _command) = (log, command);

    /// <summary>What it said.</summary>
    public string Said => File.Exists(_log) ? File.ReadAllText(_log) : string.Empty;

    /// <summary>A foreign agent of the samples, in Python or in TypeScript.</summary>
    public static AgentProcess Agent(string language, string folder, string name, int port, string execution, params IEnumerable<Uri> hosts)
    {
        string[] options =
        [
            "--agent", name, "--execution", execution, "--port", port.ToString(CultureInfo.InvariantCulture), .. hosts.SelectMany(host => new[] { "--host", host.ToString().TrimEnd('/') }),
            "--world", Path.Combine(folder, "world"), "--patience", "1",
        ];
        return new AgentProcess(Path.Combine(folder, $"{name}.log"), [.. Program(language), .. options]);
    }

    /// <summary>The same program, with more options.</summary>
    public AgentProcess With(params string[] options) => new(_log, [.. _command, .. options]);

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Start()
    {
        lock (_sync)
        {
            var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec \"$@\" >> '{_log}' 2>&1", "agent", .. _command]) { UseShellExecute = false };
            start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
            start.Environment["DOTNET_TieredPGO"] = "0";
            _process = Process.Start(start)!;
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        lock (_sync)
        {
            if (_process is { HasExited: false } running)
            {
                running.Kill();
                running.WaitForExit();
            }
        }
    }

    /// <summary>kill -STOP, and -CONT: it is there, and does nothing.</summary>
    public async Task PauseAsync(bool pause)
    {
        using var kill = Process.Start("kill", [pause ? "-STOP" : "-CONT", _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    public void Dispose()
    {
        Kill();
        _process?.Dispose();
    }

    private static string[] Program(string language) => language == "python"
        ? ["python3", Files.FullPath("samples/PythonAgent/agent.py")]
        : ["node", Files.FullPath("samples/TypeScriptAgent/built/agent.js")];
}
