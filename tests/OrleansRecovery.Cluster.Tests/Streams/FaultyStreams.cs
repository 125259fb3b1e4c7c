using Microsoft.Extensions.DependencyInjection;
using Orleans.Providers;
using Orleans.Storage;
using Orleans.Streams;
using OrleansRecovery.Orleans.Hosting;

namespace OrleansRecovery.Cluster.Tests.Streams;

/// <summary>What happens to notices.</summary>
public enum StreamFault
{
    /// <summary>Nothing: they arrive.</summary>
    None,

    /// <summary>Every one is lost.</summary>
    Lost,

    /// <summary>Every one comes twice, the second time late.</summary>
    Doubled,

    /// <summary>Every one comes late, and out of order.</summary>
    Late,
}

/// <summary>Orleans' memory streams with a queue in between that does what queues do on bad days. The same chance in every run: it begins with a seed.</summary>
internal sealed class FaultyStreams(StreamFault fault)
{
    private readonly Random _chance = new(1);
    private int _published;

    /// <summary>How many messages were given to the queue.</summary>
    internal int Published => Volatile.Read(ref _published);

    internal void AddTo(ISiloBuilder silo)
    {
        silo.AddPersistentStreams("faulty", (services, name) => new Factory(this, Inner(services, name)), _ => { });
        silo.Services.AddKeyedSingleton(
            ProviderConstants.DEFAULT_PUBSUB_PROVIDER_NAME, (services, _) => services.GetRequiredKeyedService<IGrainStorage>("recovery"));
        silo.Services.Configure<AgentRecoveryOptions>(options => options.FailureStreams = "faulty");
    }

    internal void AddTo(IClientBuilder client)
    {
        client.AddPersistentStreams("faulty", (services, name) => new Factory(this, Inner(services, name)), _ => { });
        client.Services.Configure<RecoveryClientOptions>(options => options.FailureStreams = "faulty");
    }

    private static MemoryAdapterFactory<DefaultMemoryMessageBodySerializer> Inner(IServiceProvider services, string name) =>
        MemoryAdapterFactory<DefaultMemoryMessageBodySerializer>.Create(services, name);

    private async Task PassAsync(Func<Task> enqueue)
    {
        Interlocked.Increment(ref _published);
        switch (fault)
        {
            case StreamFault.None:
                await enqueue();
                break;
            case StreamFault.Lost:
                break;
            case StreamFault.Doubled:
                await enqueue();
                _ = LaterAsync(enqueue);
                break;
            case StreamFault.Late:
                _ = LaterAsync(enqueue);
                break;
        }
    }

    private async Task LaterAsync(Func<Task> enqueue)
    {
        int late;
        lock (_chance)
        {
            late = _chance.Next(0, 400);
        }

        await Task.Delay(TimeSpan.FromMilliseconds(late), TimeProvider.System);
        try
        {
            await enqueue();
        }
        catch (Exception)
        {
            // The cluster is gone meanwhile: lost as well.
        }
    }

    private sealed class Factory(FaultyStreams faults, IQueueAdapterFactory inner) : IQueueAdapterFactory
    {
        [Obsolete("As in the interface.")]
        public async Task<IQueueAdapter> CreateAdapter() => new Adapter(faults, await inner.CreateAdapter());

        public IQueueAdapterCache GetQueueAdapterCache() => inner.GetQueueAdapterCache();

        public IStreamQueueMapper GetStreamQueueMapper() => inner.GetStreamQueueMapper();

        public Task<IStreamFailureHandler> GetDeliveryFailureHandler(QueueId queueId) => inner.GetDeliveryFailureHandler(queueId);
    }

    private sealed class Adapter(FaultyStreams faults, IQueueAdapter inner) : IQueueAdapter
    {
        public string Name => inner.Name;

        public bool IsRewindable => inner.IsRewindable;

        public StreamProviderDirection Direction => inner.Direction;

        public IQueueAdapterReceiver CreateReceiver(QueueId queueId) => inner.CreateReceiver(queueId);

        public Task QueueMessageBatchAsync<T>(
            global::Orleans.Runtime.StreamId streamId, IEnumerable<T> events, StreamSequenceToken? token, Dictionary<string, object>? requestContext)
        {
            var items = events.ToList();
            return faults.PassAsync(() => inner.QueueMessageBatchAsync(streamId, items, token, requestContext));
        }
    }
}
