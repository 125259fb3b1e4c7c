using System.Collections.Concurrent;
using Orleans.Storage;

namespace OrleansRecovery.Silo.Schema;

/// <summary>
/// Grain storage whose writes wait for each other in line. A SQLite file takes one writer at a time: the others would wait in threads that sleep, 150 ms each time,
/// and not in their order.
/// </summary>
internal sealed class OneWriterStorage(IGrainStorage storage, string file) : IGrainStorage
{
    private static readonly ConcurrentDictionary<string, SemaphoreSlim> Lines = new(StringComparer.Ordinal); // a process may hold several silos on one file

    private readonly SemaphoreSlim _line = Lines.GetOrAdd(file, _ => new SemaphoreSlim(1, 1));

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        storage.ReadStateAsync(stateName, grainId, grainState);

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        InLineAsync(() => storage.WriteStateAsync(stateName, grainId, grainState));

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        InLineAsync(() => storage.ClearStateAsync(stateName, grainId, grainState));

    private async Task InLineAsync(Func<Task> write)
    {
        await _line.WaitAsync();
        try
        {
            await write();
        }
        finally
        {
            _line.Release();
        }
    }
}
