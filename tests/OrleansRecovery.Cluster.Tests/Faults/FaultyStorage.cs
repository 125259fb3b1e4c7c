using System.Collections.Concurrent;
using Orleans.Storage;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>What a storage does on bad days.</summary>
public enum StorageFault
{
    /// <summary>Another writer was there first: the row's ETag is another one, and the storage itself refuses the write.</summary>
    Conflict,

    /// <summary>The write fails, and nothing is written.</summary>
    NotWritten,

    /// <summary>The write fails, and everything is written.</summary>
    WrittenAll,

    /// <summary>The read fails.</summary>
    NotRead,

    /// <summary>It takes its time.</summary>
    Slow,
}

/// <summary>When which fault happens, and how often each one did. The chances begin with a seed.</summary>
/// <param name="seed">The seed.</param>
/// <param name="share">The share of reads and writes that meet one.</param>
/// <param name="onlySlow">No failure: scenarios that count recoveries and turns hold only without, since an action whose write fails is in doubt.</param>
internal sealed class StorageFaults(int seed, double share, bool onlySlow)
{
    private readonly Random _chance = new(seed);
    private readonly ConcurrentDictionary<StorageFault, int> _count = [];
    private readonly ConcurrentDictionary<string, int> _calm = new(StringComparer.Ordinal);
    private volatile bool _isOver;

    internal IReadOnlyDictionary<StorageFault, int> Count => _count;

    /// <summary>No more faults.</summary>
    internal void End() => _isOver = true;

    /// <summary>Until it is disposed of, what a client of this tenant writes itself, signals and input, meets no failure: it would be told, and have to look.</summary>
    internal IDisposable Calm(string tenant)
    {
        _calm.AddOrUpdate(tenant, 1, (_, calls) => calls + 1);
        return new Calmness(this, tenant);
    }

    internal StorageFault? Next(GrainId row, bool writes)
    {
        // kind/tenant/execution/name/part
        var key = row.Key.ToString()!.Split('/');
        var isOfClient = key[0] is "1" || key[3] is "%40outside";
        lock (_chance)
        {
            var draw = _chance.NextDouble() / share;
            if (_isOver || draw >= 1 || key[0] is "5")
            {
                return null;
            }

            if (onlySlow)
            {
                return StorageFault.Slow;
            }

            var fault = writes ? (StorageFault)(int)(draw * 4) : draw < 0.25 ? StorageFault.NotRead : StorageFault.Slow;
            fault = writes && fault == StorageFault.NotRead ? StorageFault.Slow : fault;
            var isCalm = _calm.GetValueOrDefault(key[1]) > 0 && (isOfClient || fault == StorageFault.NotRead);
            return fault != StorageFault.Slow && isCalm ? null : fault;
        }
    }

    internal void Happened(StorageFault fault) => _count.AddOrUpdate(fault, 1, (_, times) => times + 1);

    private sealed class Calmness(StorageFaults faults, string tenant) : IDisposable
    {
        public void Dispose() => faults._calm.AddOrUpdate(tenant, 0, (_, calls) => calls - 1);
    }
}

/// <summary>A grain storage, with faults before and behind it.</summary>
internal sealed class FaultyStorage(IGrainStorage inner, StorageFaults faults) : IGrainStorage
{
    // Far below the time after which the coordinator asks again: a compensation that is asked for twice is tried twice as often as scenarios count.
    private static readonly TimeSpan Slowness = TimeSpan.FromMilliseconds(20);

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var fault = faults.Next(grainId, writes: false);
        if (fault == StorageFault.NotRead)
        {
            faults.Happened(StorageFault.NotRead);
            throw new IOException("The disk could not be read (a test says so).");
        }

        await PauseAsync(fault);
        await inner.ReadStateAsync(stateName, grainId, grainState);
    }

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var fault = faults.Next(grainId, writes: true);
        await PauseAsync(fault);
        if (fault == StorageFault.NotWritten)
        {
            faults.Happened(StorageFault.NotWritten);
            throw new IOException("The disk could not be written (a test says so).");
        }

        if (fault == StorageFault.Conflict && await OverwriteAsync<T>(stateName, grainId))
        {
            faults.Happened(StorageFault.Conflict);
        }

        await inner.WriteStateAsync(stateName, grainId, grainState);
        if (fault == StorageFault.WrittenAll)
        {
            faults.Happened(StorageFault.WrittenAll);
            throw new IOException("The connection broke after the write (a test says so).");
        }
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);

    // Another writer writes what is there, and the row has another ETag.
    private async Task<bool> OverwriteAsync<T>(string stateName, GrainId grainId)
    {
        var row = new GrainState<T>();
        await inner.ReadStateAsync(stateName, grainId, row);
        if (row.RecordExists)
        {
            await inner.WriteStateAsync(stateName, grainId, row);
        }

        return row.RecordExists;
    }

    private async Task PauseAsync(StorageFault? fault)
    {
        if (fault == StorageFault.Slow)
        {
            faults.Happened(StorageFault.Slow);
            await Task.Delay(Slowness, TimeProvider.System);
        }
    }
}
