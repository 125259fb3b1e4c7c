using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Serialization;
using Orleans.Storage;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Health;
using OrleansRecovery.Orleans.Streaming;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>Agents on a cluster.</summary>
public static class AgentRecoveryHostingExtensions
{
    // To activate a grain is to read its journal, which may be long.
    private static readonly TimeSpan ActivationTimeout = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Lets the silo host agents, coordinators and ledgers. It needs a grain storage with the name <see cref="AgentRecoveryOptions.Storage"/>, and a reminder
    /// service unless <see cref="AgentRecoveryOptions.UseReminders"/> is off. Settings are checked when the silo starts. Grains get five minutes to be activated
    /// (<see cref="GrainCollectionOptions.ActivationTimeout"/>, which a later setting changes): they read their journals.
    /// </summary>
    public static ISiloBuilder AddAgentRecovery(this ISiloBuilder silo, Action<AgentRecoveryOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(silo);
        silo.Services.AddOptions<AgentRecoveryOptions>().Configure(configure).ValidateOnStart();
        silo.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<AgentRecoveryOptions>, AgentRecoveryOptionsValidator>());
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.TryAddSingleton<RecoverySilo>();
        silo.Services.AddHostedService<Sweep>();
        silo.Services.AddHostedService<SiloObjectives>();
        silo.Configure<GrainCollectionOptions>(options => options.ActivationTimeout = ActivationTimeout);
        RecoveryHealth.AddTo(silo.Services);
        AddClient(silo.Services, services => services.GetRequiredService<IOptions<AgentRecoveryOptions>>().Value.FailureStreams);
        return silo;
    }

    /// <summary>
    /// Lets the grain storage of that name write what it keeps in Orleans' binary form: a journal's row, which is read often, costs several times as much as JSON.
    /// Rows that were written as JSON are still read.
    /// </summary>
    public static ISiloBuilder AddBinaryGrainStorageSerializer(this ISiloBuilder silo, string storage = "recovery")
    {
        ArgumentNullException.ThrowIfNull(silo);
        silo.Services.AddKeyedSingleton<IGrainStorageSerializer>(
            storage,
            (services, _) => new GrainStorageSerializer(
                new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>()), services.GetRequiredService<IGrainStorageSerializer>()));
        return silo;
    }

    /// <summary>Lets a client of the cluster use <see cref="IRecoveryClient"/>. Settings are checked when the client starts.</summary>
    public static IClientBuilder AddAgentRecovery(this IClientBuilder client, Action<RecoveryClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        client.Services.AddOptions<RecoveryClientOptions>().Configure(configure ?? (_ => { })).ValidateOnStart();
        client.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RecoveryClientOptions>, RecoveryClientOptionsValidator>());
        client.Services.TryAddSingleton(TimeProvider.System);
        AddClient(client.Services, services => services.GetRequiredService<IOptions<RecoveryClientOptions>>().Value.FailureStreams);
        return client;
    }

    /// <summary>
    /// Failure streams in the memory of the silos: no other program is needed, and what a silo's end loses nobody misses. Subscriptions are kept in the grain
    /// storage of that name, or else in the one of the journals.
    /// </summary>
    public static ISiloBuilder AddMemoryFailureStreams(this ISiloBuilder silo, string name = "recovery")
    {
        ArgumentNullException.ThrowIfNull(silo);
        silo.AddMemoryStreams(name);
        silo.Services.TryAddKeyedSingleton(
            ProviderConstants.DEFAULT_PUBSUB_PROVIDER_NAME,
            (services, _) => services.GetRequiredKeyedService<IGrainStorage>(services.GetRequiredService<IOptions<AgentRecoveryOptions>>().Value.Storage));
        silo.Services.PostConfigure<AgentRecoveryOptions>(options => options.FailureStreams ??= name);
        return silo;
    }

    /// <summary>The same streams, for a client of those silos that follows recoveries.</summary>
    public static IClientBuilder AddMemoryFailureStreams(this IClientBuilder client, string name = "recovery")
    {
        ArgumentNullException.ThrowIfNull(client);
        client.AddMemoryStreams(name);
        client.Services.PostConfigure<RecoveryClientOptions>(options => options.FailureStreams ??= name);
        return client;
    }

    private static void AddClient(IServiceCollection services, Func<IServiceProvider, string?> failureStreams)
    {
        services.TryAddSingleton(provider => new FailureStreams(
            provider, failureStreams(provider), provider.GetRequiredService<ILogger<FailureStreams>>()));
        services.TryAddSingleton(provider => new ClusterRecoveryClient(
            provider.GetRequiredService<IGrainFactory>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<FailureStreams>()));
        services.TryAddSingleton<IRecoveryClient>(provider => provider.GetRequiredService<ClusterRecoveryClient>());
        services.TryAddSingleton<IForeignClient>(provider => provider.GetRequiredService<ClusterRecoveryClient>());
        services.TryAddSingleton<ITenantClient>(provider => provider.GetRequiredService<ClusterRecoveryClient>());
        services.TryAddSingleton<CallFilter>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IOutgoingGrainCallFilter, CallFilter>(provider => provider.GetRequiredService<CallFilter>()));
    }
}
