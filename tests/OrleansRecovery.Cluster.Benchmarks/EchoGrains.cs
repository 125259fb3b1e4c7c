using OrleansRecovery.Orleans.Calls;

namespace OrleansRecovery.Cluster.Benchmarks;

/// <summary>Takes no part in executions.</summary>
public interface IEchoGrain : IGrainWithStringKey
{
    /// <summary>Gives the number back.</summary>
    Task<int> EchoAsync(int number);

    /// <summary>Calls another grain so often, one call after the other.</summary>
    Task<int> EchoManyAsync(int count);
}

/// <summary>Takes part.</summary>
public interface IRecordedEchoGrain : IRecoverableGrain
{
    /// <summary>Gives the number back.</summary>
    Task<int> EchoAsync(int number);

    /// <summary>Calls another grain so often, one call after the other.</summary>
    Task<int> EchoManyAsync(int count);
}

/// <summary>Answers and calls.</summary>
public sealed class EchoGrain : Grain, IEchoGrain
{
    /// <inheritdoc/>
    public Task<int> EchoAsync(int number) => Task.FromResult(number);

    /// <inheritdoc/>
    public async Task<int> EchoManyAsync(int count)
    {
        var other = GrainFactory.GetGrain<IEchoGrain>("other");
        var sum = 0;
        for (var i = 0; i < count; i++)
        {
            sum += await other.EchoAsync(1);
        }

        return sum;
    }
}

/// <summary>The state of one that answers and calls.</summary>
public sealed record EchoState;

/// <summary>Answers and calls as an agent.</summary>
public sealed class RecordedEchoGrain : RecoverableGrain<EchoState>, IRecordedEchoGrain
{
    /// <inheritdoc/>
    public Task<int> EchoAsync(int number) => Task.FromResult(number);

    /// <inheritdoc/>
    public async Task<int> EchoManyAsync(int count)
    {
        var other = GrainFactory.GetGrain<IRecordedEchoGrain>("other");
        var sum = 0;
        for (var i = 0; i < count; i++)
        {
            sum += await other.EchoAsync(1);
        }

        return sum;
    }
}
