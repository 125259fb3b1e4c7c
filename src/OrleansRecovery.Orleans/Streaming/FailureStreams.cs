using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Streams;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Streaming;

/// <summary>
/// The failure streams of a silo or a client, one for each execution. Nothing that must be right rests on them: whoever publishes does not wait, and whoever
/// follows asks as well.
/// </summary>
internal sealed class FailureStreams
{
    private const string Namespace = "recovery";

    private readonly IStreamProvider? _provider;
    private readonly ILogger _logger;

    /// <param name="services">Where the stream provider is found.</param>
    /// <param name="name">Its name; null for no streams.</param>
    /// <param name="logger">Where to log.</param>
    internal FailureStreams(IServiceProvider services, string? name, ILogger logger)
    {
        _provider = name is null ? null : services.GetRequiredKeyedService<IStreamProvider>(name);
        _logger = logger;
    }

    /// <summary>Is there a stream provider?</summary>
    internal bool AreOn => _provider is not null;

    /// <summary>Tells followers; returns at once.</summary>
    internal void Publish(ExecutionAddress execution, ExecutionProgress progress)
    {
        if (_provider is not null)
        {
            _ = Task.Run(() => PublishAsync(execution, progress));
        }
    }

    /// <summary>Follows the stream of an execution until what is returned is disposed of. It does not fail: a stream that cannot be had is logged.</summary>
    /// <param name="execution">The execution.</param>
    /// <param name="take">Called for each notice, one after another.</param>
    internal Task<IAsyncDisposable> FollowAsync(ExecutionAddress execution, Action<ExecutionProgress> take) =>
        Task.Run(() => SubscribeAsync(execution, take)); // not as the grain that asks: its subscription would outlive its activation, and wake it

    private async Task<IAsyncDisposable> SubscribeAsync(ExecutionAddress execution, Action<ExecutionProgress> take)
    {
        try
        {
            var handle = await Of(execution).SubscribeAsync((notice, _) => Take(execution, notice, take));
            return new Following(handle, execution, _logger);
        }
#pragma warning disable CA1031 // Whatever ails the streams: they are no more than a hint.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _logger.NotFollowed(execution.ToString(), failure.Message);
            return new Following(null, execution, _logger);
        }
    }

    private async Task PublishAsync(ExecutionAddress execution, ExecutionProgress progress)
    {
        try
        {
            await Of(execution).OnNextAsync(RecoveryNotice.Of(progress));
        }
#pragma warning disable CA1031 // Whatever ails the streams: they are no more than a hint.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _logger.NotPublished(execution.ToString(), failure.Message);
        }
    }

    private Task Take(ExecutionAddress execution, RecoveryNotice notice, Action<ExecutionProgress> take)
    {
        try
        {
            take(notice.Progress());
        }
        catch (JsonException foreign)
        {
            _logger.NotRead(execution.ToString(), foreign.Message);
        }

        return Task.CompletedTask;
    }

    private IAsyncStream<RecoveryNotice> Of(ExecutionAddress execution) =>
        _provider!.GetStream<RecoveryNotice>(global::Orleans.Runtime.StreamId.Create(Namespace, GrainKeys.OfExecution(execution)));

    private sealed class Following(StreamSubscriptionHandle<RecoveryNotice>? handle, ExecutionAddress execution, ILogger logger) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            try
            {
                await Task.Run(() => handle?.UnsubscribeAsync() ?? Task.CompletedTask);
            }
#pragma warning disable CA1031 // The next notice finds nobody, and Orleans takes the subscription away.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                logger.NotFollowed(execution.ToString(), failure.Message);
            }
        }
    }
}

internal static partial class FailureStreamLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "A notice about {Execution} was not published; nothing rests on it: {Problem}")]
    internal static partial void NotPublished(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The failure stream of {Execution} could not be followed or left; nothing rests on it: {Problem}")]
    internal static partial void NotFollowed(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A notice about {Execution} could not be read: {Problem}")]
    internal static partial void NotRead(this ILogger logger, string execution, string problem);
}
