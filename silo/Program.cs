using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Silo;
using OrleansRecovery.Silo.Schema;

try
{
    var builder = Host.CreateApplicationBuilder(args);
    builder.Configuration.AddEnvironmentVariables("RECOVERY_").AddCommandLine(args);
    var settings = SiloSettings.Read(args, builder.Configuration);
    var agents = AgentAssemblies.Find(settings.Agents);
    var connection = $"Data Source={settings.Database}";
    await OrleansSchema.CreateSqliteAsync(connection);
    using var key = LedgerKey.OpenOrCreate(settings.Key);
    builder.Logging.ClearProviders().AddJsonConsole();
    builder.UseOrleans(silo => silo
        .UseLocalhostClustering(settings.SiloPort, settings.GatewayPort)
        .AddAdoNetGrainStorage("recovery", options =>
        {
            options.Invariant = OrleansSchema.SqliteInvariant;
            options.ConnectionString = connection;
        })
        .AddMemoryFailureStreams()
        .AddAgentRecovery(options =>
        {
            options.UseReminders = false; // Orleans has no reminders on SQLite: the silo's start drives executions on
            options.LedgerKey = key;
            foreach (var agent in agents)
            {
                options.Agents.Add(() => (IAgent)Activator.CreateInstance(agent)!, agent.Name);
            }
        }));
    await builder.Build().RunAsync();
    return 0;
}
catch (Exception refused) when (refused is SettingException or RecoveryException)
{
    await Console.Error.WriteLineAsync(refused.Message);
    return 2;
}
