using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Agents;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Runtime.Objectives;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Silo;

/// <summary>One silo with agents, as the program runs it.</summary>
internal static class SiloHost
{
    /// <summary>The name of the grain storage that keeps journals.</summary>
    public const string Storage = "recovery";

    // A silo is given up when this many probes in a row are not answered, and looked after when it missed as many writes to the table of members.
    private const int ProbeCount = 3;

    /// <summary>Reads the settings, makes the schema where it is missing, and builds the silo.</summary>
    /// <exception cref="SettingException">The silo cannot be started with these settings; the message names the one to change.</exception>
    public static async Task<IHost> BuildAsync(string[] arguments, Action<ISiloBuilder>? also = null)
    {
        var builder = Host.CreateApplicationBuilder(arguments);
        builder.Configuration.AddEnvironmentVariables("RECOVERY_").AddCommandLine(arguments);
        builder.AddTelemetry();
        var settings = SiloSettings.Read(arguments, builder.Configuration);
        var agents = AgentAssemblies.Find(settings.Agents);
        var security = ServerSecurity.Read(settings.Certificate, settings.CertificateKey, settings.Authorities, settings.Access, isServing: settings.Http is not null);
        var foreign = settings.ForeignAgents.Select(agent => HttpForeignAgent.Parse(agent, security.Tls)).ToList(); // as long as the process
        var http = HttpBinding.Read(settings, security);
        var signals = SignalPolicyFile.Read(settings.Signals, settings.RequireSignatures, settings.ClockSkewMilliseconds);
        var objectives = ObjectivesFile.Read(settings.Objectives);
        var place = settings.Postgres is { } postgres ? await OrleansSchema.CreatePostgresAsync(postgres) : await CreateSqliteAsync(settings.Database);
        var key = LedgerKey.OpenOrCreate(settings.Key);
        builder.UseOrleans(silo =>
        {
            silo.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = (settings.ServiceId, settings.ClusterId));
            if (settings.Postgres is null)
            {
                UseSqlite(silo, settings, place);
            }
            else
            {
                UsePostgres(silo, settings, place);
            }

            silo.AddMemoryFailureStreams().AddAgentRecovery(options =>
            {
                options.Storage = Storage;
                options.UseReminders = settings.Postgres is not null; // Orleans has none on SQLite: there, the silo's start drives executions on
                options.LedgerKey = key;
                options.Signals = signals;
                options.Objectives = objectives;
                options.Heads = settings.Heads is { } file ? new HeadFile(file) : null;
                foreach (var agent in agents)
                {
                    options.Add(agent);
                }

                foreach (var (name, agent) in foreign)
                {
                    options.Agents.AddForeign(name, agent);
                }
            });
            also?.Invoke(silo);
        });
        builder.AddHealthEndpoint();
        builder.AddHttpBinding(http);
        return builder.Build();
    }

    private static async Task<string> CreateSqliteAsync(string database)
    {
        var place = $"Data Source={database}";
        await OrleansSchema.CreateSqliteAsync(place);
        return place;
    }

    private static void UseSqlite(ISiloBuilder silo, SiloSettings settings, string place) => silo
        .UseLocalhostClustering(settings.SiloPort, settings.GatewayPort, serviceId: settings.ServiceId, clusterId: settings.ClusterId)
        .AddSqliteStorage(Storage, place);

    private static void UsePostgres(ISiloBuilder silo, SiloSettings settings, string place) => silo
        .ConfigureEndpoints(settings.Advertise, settings.SiloPort, settings.GatewayPort, listenOnAnyHostAddress: !IPAddress.IsLoopback(settings.Advertise))
        .Configure<ClusterMembershipOptions>(members =>
        {
            members.NumMissedProbesLimit = ProbeCount;
            members.ProbeTimeout = settings.FailureDetection / ProbeCount;

            // After a crash of all silos nobody is left to say who is dead: who starts then goes by how long the table has not heard of a member.
            members.NumMissedTableIAmAliveLimit = ProbeCount;
            members.IAmAliveTablePublishTimeout = settings.FailureDetection / ProbeCount;
        })
        .ConfigureServices(services => services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, JoiningHeartbeat>())
        .UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (OrleansSchema.PostgresInvariant, place))
        .UseAdoNetReminderService(options => (options.Invariant, options.ConnectionString) = (OrleansSchema.PostgresInvariant, place))
        .AddPostgresStorage(Storage, place);
}
