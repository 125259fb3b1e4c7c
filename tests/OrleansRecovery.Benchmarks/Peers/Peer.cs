namespace OrleansRecovery.Benchmarks.Peers;

/// <summary>What a worker is told. The scripts of peers read the same JSON.</summary>
/// <param name="Mode">measure; kill, which says what it accepted; or resume, after a kill.</param>
/// <param name="Sagas">How many sagas are measured.</param>
/// <param name="Warm">How many run before.</param>
/// <param name="Steps">Steps of a saga; the failure is found after the last.</param>
/// <param name="Participants">Participants that take turns.</param>
/// <param name="Lanes">How many sagas run at once.</param>
/// <param name="World">The file that is the world outside.</param>
/// <param name="Folder">Where the worker keeps files.</param>
/// <param name="Postgres">A database of its own, as a URL; empty when it needs none.</param>
/// <param name="Npgsql">The same for Npgsql.</param>
/// <param name="Schema">The script of the tables that Orleans needs.</param>
/// <param name="Ports">Free ports on the loopback interface.</param>
/// <param name="Accepted">After a kill: the sagas that were accepted.</param>
internal sealed record Orders(
    string Mode, int Sagas, int Warm, int Steps, int Participants, int Lanes,
    string World, string Folder, string Postgres, string Npgsql, string Schema, IReadOnlyList<int> Ports, IReadOnlyList<string> Accepted);

/// <summary>An engine that runs the saga in a process.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Storage">Where it keeps what must last.</param>
/// <param name="NeedsPostgres">Is it given a database?</param>
/// <param name="InstallAsync">Has its packages brought; the command that runs its worker.</param>
internal sealed record Peer(string Name, string Storage, bool NeedsPostgres, Func<Task<IReadOnlyList<string>>> InstallAsync)
{
    /// <summary>All that can run here or elsewhere.</summary>
    public static IReadOnlyList<Peer> All { get; } =
    [
        new("OrleansRecovery", "SQLite", false, Ours),
        new("OrleansRecovery", "PostgreSQL", true, Ours),
        new("DBOS Transact 5.3.0", "PostgreSQL", true, () => PeerPackages.NpmAsync("dbos")),
        new("Restate 1.7.12", "its own log (RocksDB)", false, () => PeerPackages.NpmAsync("restate")),
        new("Orleans.Transactions 10.4.2", "PostgreSQL", true, () => PeerPackages.DotnetAsync("orleans-transactions")),
    ];

    /// <summary>Engines that were asked for by package and are tried each time, since a copy of the registry may have them: name, package, version.</summary>
    public static IReadOnlyList<(string Name, string Package, string Version)> Sought { get; } =
    [
        ("MassTransit with a durable transport (PostgreSQL)", "MassTransit.SqlTransport.PostgreSQL", "8.5.12"),
        ("Elsa", "Elsa", "3.5.0"),
        ("Workflow Core", "WorkflowCore", "3.10.0"),
        ("Durable Task", "Microsoft.Azure.DurableTask.Core", "3.0.0"),
    ];

    private static Task<IReadOnlyList<string>> Ours() => Task.FromResult<IReadOnlyList<string>>([Environment.ProcessPath!, .. HostArguments(), "peer-worker"]);

    // Run by the dotnet host, the process is that, and the program its first argument.
    private static string[] HostArguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet" ? [typeof(Peer).Assembly.Location] : [];
}

/// <summary>It cannot be had here: the reason.</summary>
internal sealed class AbsentPeerException(string reason) : Exception(reason);
