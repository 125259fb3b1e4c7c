using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Health;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>Agents on a cluster.</summary>
public static class AgentRecoveryHostingExtensions
{
    /// <summary>
    /// Lets the silo host agents, coordinators and ledgers. It needs a grain storage with the name <see cref="AgentRecoveryOptions.Storage"/>, and a reminder
    /// service unless <see cref="AgentRecoveryOptions.UseReminders"/> is off. Settings are checked when the silo starts.
    /// </summary>
    public static ISiloBuilder AddAgentRecovery(this ISiloBuilder silo, Action<AgentRecoveryOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(silo);
        silo.Services.AddOptions<AgentRecoveryOptions>().Configure(configure).ValidateOnStart();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AgentRecoveryOptions>, AgentRecoveryOptionsValidator>());
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<RecoverySilo>();
        silo.Services.AddHostedService<Sweep>();
        RecoveryHealth.AddTo(silo.Services);
        AddClient(silo.Services);
        return silo;
    }

    /// <summary>Lets a client of the cluster use <see cref="IRecoveryClient"/>.</summary>
    public static IClientBuilder AddAgentRecovery(this IClientBuilder client)
    {
        ArgumentNullException.ThrowIfNull(client);
        client.Services.TryAddSingleton(TimeProvider.System);
        AddClient(client.Services);
        return client;
    }

    private static void AddClient(IServiceCollection services)
    {
        services.TryAddSingleton<ClusterRecoveryClient>();
        services.TryAddSingleton<IRecoveryClient>(provider => provider.GetRequiredService<ClusterRecoveryClient>());
        services.TryAddSingleton<CallFilter>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IOutgoingGrainCallFilter, CallFilter>(provider => provider.GetRequiredService<CallFilter>()));
    }
}
