using System.Text;
using Orleans.Storage;
using OrleansRecovery.Orleans.Storage;

namespace OrleansRecovery.Cluster.Tests.Http;

/// <summary>A grain storage that tells of agents' records once they are durable, and before whoever wrote them hears of it; of those of a segment again with each write.</summary>
internal sealed class WatchedStorage(IGrainStorage inner, Action<string, string> onRecord) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ReadStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await inner.WriteStateAsync(stateName, grainId, grainState);

        // The key of a journal's segment: the stream's kind, tenant, execution and agent, and a number.
        if (grainState.State is JournalSegment segment && grainId.Key.ToString()!.Split('/') is ["0", _, _, var agent, _])
        {
            foreach (var body in segment.Records.Select(record => record.Body).OfType<byte[]>())
            {
                onRecord(agent, Encoding.UTF8.GetString(body));
            }
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);
}
