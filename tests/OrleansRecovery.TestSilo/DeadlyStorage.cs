using System.Diagnostics;
using System.Globalization;
using Orleans.Storage;

namespace OrleansRecovery.TestSilo;

/// <summary>
/// Grain storage that ends the process at a chosen write: the n-th after the file appeared, before or after it is durable. No handler runs, nothing is
/// flushed: it is kill -9 by the process itself, at a point that no clock could hit.
/// </summary>
internal sealed class DeadlyStorage(IGrainStorage inner, string file) : IGrainStorage
{
    public const string Name = "deadly";

    private int _writes;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ReadStateAsync(stateName, grainId, grainState);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var isLast = IsLast(out var moment);
        if (isLast && moment == "before")
        {
            await DieAsync();
        }

        await inner.WriteStateAsync(stateName, grainId, grainState);
        if (isLast)
        {
            await DieAsync();
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);

    private bool IsLast(out string moment)
    {
        moment = string.Empty;
        if (!File.Exists(file) || File.ReadAllText(file).Split(' ') is not [var count, var when])
        {
            return false;
        }

        moment = when;
        return Interlocked.Increment(ref _writes) == int.Parse(count, CultureInfo.InvariantCulture);
    }

    private static async Task DieAsync()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
    }
}
