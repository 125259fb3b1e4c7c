using Microsoft.Extensions.Configuration;

namespace OrleansRecovery.Silo;

/// <summary>What the silo is started with, from the command line (<c>--db path</c>), the environment (<c>RECOVERY_DB</c>) or <c>appsettings.json</c>.</summary>
internal sealed record SiloSettings
{
    private static readonly string[] Known = ["agents", "db", "gateway-port", Health.Setting, "key", Telemetry.Setting, "silo-port"];

    /// <summary>Assemblies with agent classes, separated by semicolons. Their public agents without constructor parameters are registered.</summary>
    public required IReadOnlyList<string> Agents { get; init; }

    /// <summary>The SQLite file. Default: <c>recovery-silo.db</c> in the current folder.</summary>
    public required string Database { get; init; }

    /// <summary>The file with the key that signs ledgers. It is made on first use. Default: beside the database.</summary>
    public required string Key { get; init; }

    /// <summary>The port for other silos.</summary>
    public required int SiloPort { get; init; }

    /// <summary>The port for clients.</summary>
    public required int GatewayPort { get; init; }

    /// <summary>Reads the settings, and refuses what it does not know.</summary>
    /// <exception cref="SettingException">A setting is unknown or out of range; the message names it.</exception>
    public static SiloSettings Read(string[] arguments, IConfiguration configuration)
    {
        var unknown = arguments.Where(argument => argument.StartsWith("--", StringComparison.Ordinal))
            .Select(argument => argument[2..].Split('=')[0]).FirstOrDefault(name => !Known.Contains(name, StringComparer.Ordinal));
        if (unknown is not null)
        {
            throw new SettingException($"The setting --{unknown} is not known. The silo was not started. Known are: {string.Join(", ", Known.Select(name => $"--{name}"))}.");
        }

        var database = Path.GetFullPath(configuration["db"] ?? "recovery-silo.db");
        return new SiloSettings
        {
            Agents = (configuration["agents"] ?? string.Empty).Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            Database = database,
            Key = Path.GetFullPath(configuration["key"] ?? $"{database}.key"),
            SiloPort = Port(configuration, "silo-port", 11_111),
            GatewayPort = Port(configuration, "gateway-port", 30_000),
        };
    }

    private static int Port(IConfiguration configuration, string name, int standard) => configuration[name] is not { } text ? standard
        : int.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65_535 ? port
        : throw new SettingException($"--{name} is '{text}', which is no port. The silo was not started. Give a number from 1 to 65,535.");
}
