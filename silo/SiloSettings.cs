using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;

namespace OrleansRecovery.Silo;

/// <summary>What the silo is started with, from the command line (<c>--db path</c>), the environment (<c>RECOVERY_DB</c>) or <c>appsettings.json</c>.</summary>
internal sealed record SiloSettings
{
    private const string Agent = "agent";

    private static readonly string[] Known =
    [
        "access", "advertise", Agent, "agents", "clock-skew", "cluster-id", "db", "failure-detection", "gateway-port", Health.Setting, "http", "key", "objectives", Telemetry.Setting, "postgres",
        "publish-heads", "require-signatures", "service-id", "signals", "silo-port", "tls-ca", "tls-cert", "tls-key",
    ];

    // What only a cluster has, and only PostgreSQL keeps a cluster.
    private static readonly string[] OfClusters = ["advertise", "cluster-id", "failure-detection"];

    /// <summary>
    /// Assemblies with agent classes, separated by semicolons. Their public agents without constructor parameters and their public recoverable grains are
    /// registered.
    /// </summary>
    public required IReadOnlyList<string> Agents { get; init; }

    /// <summary>
    /// Classes of foreign agents and where they are reached, as <c>name=http://host:port/</c>; on the command line one <c>--agent</c> each, elsewhere separated by
    /// semicolons. The same on every silo of a cluster, whichever of them serve HTTP.
    /// </summary>
    public required IReadOnlyList<string> ForeignAgents { get; init; }

    /// <summary>Where the silo serves HTTP: with certificates anywhere, without them on the loopback interface alone; null: it does not. Default: it does not.</summary>
    public required string? Http { get; init; }

    /// <summary>The silo's certificate (PEM), with which it proves itself to clients and foreign agents; null: it does not. As for <c>recovery serve</c>.</summary>
    public required string? Certificate { get; init; }

    /// <summary>Its private key (PEM), which only its owner may read.</summary>
    public required string? CertificateKey { get; init; }

    /// <summary>The authorities (PEM) that certificates of clients and foreign agents come from.</summary>
    public required string? Authorities { get; init; }

    /// <summary>The rules of who may do what over HTTP (JSON), read again when they change; null: everybody who reaches the silo may do everything.</summary>
    public required string? Access { get; init; }

    /// <summary>The file, outside the database and this silo's own, to which each signed head of a ledger is appended that this silo writes; null: none is.</summary>
    public required string? Heads { get; init; }

    /// <summary>The signal policy (JSON), the same for all silos of a cluster; null: the defaults.</summary>
    public required string? Signals { get; init; }

    /// <summary>The service level objectives (JSON) that metrics and HTTP tell of; null: the defaults.</summary>
    public required string? Objectives { get; init; }

    /// <summary>Is every unsigned signal refused, also of issuers that have no key? Default: false.</summary>
    public required bool RequireSignatures { get; init; }

    /// <summary>How far the clocks of issuers may differ, in milliseconds; null: what the signal policy says.</summary>
    public required int? ClockSkewMilliseconds { get; init; }

    /// <summary>The SQLite file, for one silo. Default: <c>recovery-silo.db</c> in the current folder.</summary>
    public required string Database { get; init; }

    /// <summary>The connection string of the PostgreSQL database that keeps journals, reminders and the members of the cluster; null for SQLite.</summary>
    public required string? Postgres { get; init; }

    /// <summary>The file with the key that signs ledgers; the same key for all silos of a cluster. It is made on first use. Default: beside the database.</summary>
    public required string Key { get; init; }

    /// <summary>Whose journals these are, over all deployments. Default: <c>recovery</c>.</summary>
    public required string ServiceId { get; init; }

    /// <summary>The cluster that the silo joins. Default: <c>recovery</c>.</summary>
    public required string ClusterId { get; init; }

    /// <summary>The address under which other silos and clients reach this one. Default: 127.0.0.1.</summary>
    public required IPAddress Advertise { get; init; }

    /// <summary>The port for other silos.</summary>
    public required int SiloPort { get; init; }

    /// <summary>The port for clients.</summary>
    public required int GatewayPort { get; init; }

    /// <summary>How long a silo may be silent before the others take over its work. Range 1 to 600 seconds; default 15.</summary>
    public required TimeSpan FailureDetection { get; init; }

    /// <summary>Reads the settings, and refuses what it does not know or what contradicts itself.</summary>
    /// <exception cref="SettingException">A setting is unknown, out of range or contradicts another; the message names it.</exception>
    public static SiloSettings Read(string[] arguments, IConfiguration configuration)
    {
        var unknown = arguments.Where(argument => argument.StartsWith("--", StringComparison.Ordinal))
            .Select(argument => argument[2..].Split('=')[0]).FirstOrDefault(name => !Known.Contains(name, StringComparer.Ordinal));
        if (unknown is not null)
        {
            throw new SettingException($"The setting --{unknown} is not known. The silo was not started. Known are: {string.Join(", ", Known.Select(name => $"--{name}"))}.");
        }

        RefuseMissingValues(arguments);
        RefuseContradictions(configuration);
        var database = Path.GetFullPath(configuration["db"] ?? "recovery-silo.db");
        return new SiloSettings
        {
            Agents = List(configuration["agents"]),
            ForeignAgents = Given(arguments, Agent) is { Count: > 0 } given ? given : List(configuration[Agent]),
            Http = configuration["http"],
            Certificate = configuration["tls-cert"],
            CertificateKey = configuration["tls-key"],
            Authorities = configuration["tls-ca"],
            Access = configuration["access"],
            Heads = configuration["publish-heads"],
            Signals = configuration["signals"],
            Objectives = configuration["objectives"],
            RequireSignatures = Switch(configuration, "require-signatures"),
            ClockSkewMilliseconds = configuration["clock-skew"] is null ? null : Number(configuration, "clock-skew", 0, 60_000, min: 0),
            Database = database,
            Postgres = configuration["postgres"],
            Key = Path.GetFullPath(configuration["key"] ?? $"{database}.key"),
            ServiceId = Name(configuration, "service-id"),
            ClusterId = Name(configuration, "cluster-id"),
            Advertise = Address(configuration),
            SiloPort = Number(configuration, "silo-port", 11_111, 65_535),
            GatewayPort = Number(configuration, "gateway-port", 30_000, 65_535),
            FailureDetection = TimeSpan.FromSeconds(Number(configuration, "failure-detection", 15, 600)),
        };
    }

    // Configuration would take the next setting for the value, or leave the last one out: a protection that was asked for would be missing.
    private static void RefuseMissingValues(string[] arguments)
    {
        for (var place = 0; place < arguments.Length; place++)
        {
            if (!arguments[place].StartsWith("--", StringComparison.Ordinal) || arguments[place].Contains('=', StringComparison.Ordinal))
            {
                continue;
            }

            if (place + 1 == arguments.Length || arguments[place + 1].StartsWith("--", StringComparison.Ordinal))
            {
                throw new SettingException($"{arguments[place]} has no value. The silo was not started. Write the value behind it.");
            }

            place++;
        }
    }

    private static void RefuseContradictions(IConfiguration configuration)
    {
        if (configuration["access"] is not null && configuration["http"] is null)
        {
            throw new SettingException("--access is for HTTP, and no --http says where to serve it. The silo was not started. Leave it out, or give --http.");
        }

        if (configuration["postgres"] is not null && configuration["db"] is not null)
        {
            throw new SettingException("--postgres and --db are both given, and journals have one place. The silo was not started. Leave one of them out.");
        }

        if (configuration["postgres"] is null && OfClusters.FirstOrDefault(name => configuration[name] is not null) is { } name)
        {
            throw new SettingException($"--{name} is for a cluster, and SQLite serves one silo. The silo was not started. Leave it out, or give --postgres.");
        }
    }

    private static string[] List(string? text) => (text ?? string.Empty).Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // Configuration keeps the last one of several.
    private static List<string> Given(string[] arguments, string name) =>
    [
        .. arguments.Zip(arguments.Skip(1)).Where(pair => pair.First == $"--{name}").SelectMany(pair => List(pair.Second)),
        .. arguments.Where(argument => argument.StartsWith($"--{name}=", StringComparison.Ordinal)).SelectMany(argument => List(argument[(name.Length + 3)..])),
    ];

    private static string Name(IConfiguration configuration, string name) => configuration[name] is not { } text ? "recovery"
        : !string.IsNullOrWhiteSpace(text) && text.Length <= 150 ? text
        : throw new SettingException($"--{name} is '{text}', which is no name. The silo was not started. Give 1 to 150 characters.");

    private static IPAddress Address(IConfiguration configuration) => configuration["advertise"] is not { } text ? IPAddress.Loopback
        : IPAddress.TryParse(text, out var address) ? address
        : throw new SettingException($"--advertise is '{text}', which is no IP address. The silo was not started. Give the address under which other silos reach this one.");

    private static bool Switch(IConfiguration configuration, string name) => configuration[name] is { } text
        && (bool.TryParse(text, out var isOn) ? isOn : throw new SettingException($"--{name} is '{text}'. The silo was not started. Give true or false."));

    private static int Number(IConfiguration configuration, string name, int standard, int max, int min = 1) => configuration[name] is not { } text ? standard
        : int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number
        : throw new SettingException(string.Create(CultureInfo.InvariantCulture, $"--{name} is '{text}'. The silo was not started. Give a number from {min} to {max}."));
}
