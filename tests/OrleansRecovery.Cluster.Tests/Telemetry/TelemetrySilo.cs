using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using OrleansRecovery.Silo.Schema;
using OrleansRecovery.TestProcess;

namespace OrleansRecovery.Cluster.Tests.Telemetry;

/// <summary>The product's silo on SQLite, started as users start it: by default with the writer and the reader, and exporting to nobody.</summary>
internal sealed class TelemetrySilo : IDisposable
{
    private readonly Process _process;

    public TelemetrySilo(string folder, OtlpSink? sink = null, string? agents = null)
    {
        (SiloPort, GatewayPort, HealthPort) = (FreePort(), FreePort(), FreePort());
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                typeof(OrleansSchema).Assembly.Location,
                "--agents", agents ?? typeof(WriterAgent).Assembly.Location,
                "--db", Path.Combine(folder, "silo.db"),
                "--silo-port", SiloPort.ToString(CultureInfo.InvariantCulture),
                "--gateway-port", GatewayPort.ToString(CultureInfo.InvariantCulture),
                "--health-port", HealthPort.ToString(CultureInfo.InvariantCulture),
            },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (sink is not null)
        {
            start.ArgumentList.Add("--otlp");
            start.ArgumentList.Add(sink.Url);
        }

        start.Environment[WriterAgent.Gate] = Path.Combine(folder, "gate");
        start.Environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf";
        start.Environment["OTEL_BSP_SCHEDULE_DELAY"] = "50";
        start.Environment["OTEL_BLRP_SCHEDULE_DELAY"] = "50";
        start.Environment["OTEL_METRIC_EXPORT_INTERVAL"] = "200";
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Said.Enqueue(line.Data ?? string.Empty);
        _process.ErrorDataReceived += (_, line) => Said.Enqueue(line.Data ?? string.Empty);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int SiloPort { get; }

    public int GatewayPort { get; }

    public int HealthPort { get; }

    /// <summary>Its lines, of both outputs.</summary>
    public ConcurrentQueue<string> Said { get; } = new();

    public string LastWords => string.Join('\n', Said.TakeLast(20));

    /// <summary>Asks for its health; waits for a silo that starts.</summary>
    public async Task<(HttpStatusCode Status, string Body)> HealthAsync(string path)
    {
        using var client = new HttpClient();
        while (true)
        {
            try
            {
                using var response = await client.GetAsync(new Uri($"http://127.0.0.1:{HealthPort}{path}"));
                return (response.StatusCode, await response.Content.ReadAsStringAsync());
            }
            catch (HttpRequestException)
            {
                Assert.False(_process.HasExited, $"The silo does not start: {LastWords}");
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
