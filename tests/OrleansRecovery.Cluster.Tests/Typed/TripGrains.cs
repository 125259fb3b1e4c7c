using System.Collections.Concurrent;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Cluster.Tests.Typed;

public interface IDeskGrain : IRecoverableGrain
{
    Task<string> BookAsync(string guest);

    Task<string> TryAsync(string guest);

    Task<IReadOnlyList<int>> CompareAsync(string counter);

    Task<string> QuoteThroughAsync(string counter);

    Task<string> QuoteWhileReadingAsync();

    Task RingAsync(string text);
}

public interface IPriceGrain : IRecoverableGrain
{
    ValueTask<int> QuoteAsync(string guest, CancellationToken cancellationToken = default);
}

public interface IHotelGrain : IRecoverableGrain
{
    Task<string> ReserveAsync(string guest, int price);

    ValueTask RingAsync(string text);
}

/// <summary>Takes no part: its calls reach the activation of a grain that does.</summary>
public interface IDoorGrain : IGrainWithStringKey
{
    Task<int> KnockAsync();
}

/// <summary>Takes no part.</summary>
public interface ICounterGrain : IGrainWithStringKey
{
    Task<int> CountAsync();

    Task FailAsync();

    Task<int> QuoteAsync(string guest);

    Task<string> ErrorOfAsync(string guest);
}

public sealed record TripNotes
{
    public IReadOnlyList<string> Lines { get; init; } = [];
}

/// <summary>What the grains of one execution find outside, and what tests plant there.</summary>
public sealed class TripWorld
{
    private static readonly ConcurrentDictionary<ExecutionAddress, TripWorld> Worlds = [];

    public ConcurrentQueue<string> Log { get; } = new();

    public Func<string, Task<int>> OnQuote { get; set; } = _ => Task.FromResult(100);

    public Func<string, Task> OnCancel { get; set; } = _ => Task.CompletedTask;

    public static TripWorld Of(ExecutionAddress execution) => Worlds.GetOrAdd(execution, _ => new TripWorld());
}

public sealed class DeskGrain : RecoverableGrain<TripNotes>, IDeskGrain
{
    public async Task<string> BookAsync(string guest)
    {
        var price = await GrainFactory.GetGrain<IPriceGrain>("price").QuoteAsync(guest, CancellationToken.None);
        return Note(await GrainFactory.GetGrain<IHotelGrain>("hotel").ReserveAsync(guest, price));
    }

    public async Task<string> TryAsync(string guest)
    {
        try
        {
            return Note(await GrainFactory.GetGrain<IHotelGrain>("hotel").ReserveAsync(guest, 1));
        }
        catch (DeclinedException declined)
        {
            return Note($"{declined.Code}: {declined.Message}");
        }
    }

    public async Task<IReadOnlyList<int>> CompareAsync(string counter)
    {
        var grain = GrainFactory.GetGrain<ICounterGrain>(counter);
        var price = GrainFactory.GetGrain<IPriceGrain>("price");
        var counts = Task.WhenAll(grain.CountAsync(), grain.CountAsync());
        var found = new List<int> { await price.QuoteAsync("somebody") };
        found.AddRange(await counts);
        try
        {
            await grain.FailAsync();
        }
        catch (ActionFailedException)
        {
            found.Add(-1);
        }

        Note(string.Join(' ', found));
        return found;
    }

    public async Task<string> QuoteThroughAsync(string counter)
    {
        try
        {
            return $"{await GrainFactory.GetGrain<ICounterGrain>(counter).QuoteAsync("somebody")}";
        }
        catch (ActionFailedException failure)
        {
            return Note(failure.Message);
        }
    }

    public async Task<string> QuoteWhileReadingAsync()
    {
        var price = GrainFactory.GetGrain<IPriceGrain>("price");
        try
        {
            return $"{await Context.RecordAsync("price", async token => await price.QuoteAsync("somebody", token))}";
        }
        catch (ActionFailedException failure)
        {
            return Note(failure.Message);
        }
    }

    public async Task RingAsync(string text) => await GrainFactory.GetGrain<IHotelGrain>("hotel").RingAsync(text);

    private string Note(string line)
    {
        State = new TripNotes { Lines = [.. State.Lines, line] };
        return line;
    }
}

public sealed class PriceGrain : RecoverableGrain<TripNotes>, IPriceGrain
{
    public async ValueTask<int> QuoteAsync(string guest, CancellationToken cancellationToken = default)
    {
        var world = TripWorld.Of(Context.Execution);
        return await Context.RecordAsync("market", _ => world.OnQuote(guest));
    }
}

public sealed class HotelGrain : RecoverableGrain<TripNotes>, IHotelGrain, IDoorGrain
{
    private AgentAction<string, string> _reserve = null!;

    public async Task<string> ReserveAsync(string guest, int price)
    {
        if (guest == "nobody")
        {
            throw new DeclinedException("no-guest", "nobody cannot stay");
        }

        var room = await Context.ActAsync(_reserve, $"{guest} at {price}");
        State = new TripNotes { Lines = [.. State.Lines, room] };
        return room;
    }

    public async ValueTask RingAsync(string text) => await GrainFactory.GetGrain<IDeskGrain>("desk").RingAsync(text);

    public Task<int> KnockAsync() => Task.FromResult(State.Lines.Count);

    // Both run where the grain's own code does, and may call grains that take no part.
    protected override void Define(AgentDefinition<TripNotes> agent) => _reserve = agent.Compensatable<string, string>(
        "reserve",
        async (stay, context) =>
        {
            var number = await GrainFactory.GetGrain<ICounterGrain>("rooms").CountAsync();
            WorldOf(context.IdempotencyKey).Log.Enqueue($"do {stay}");
            return number > 0 ? $"room for {stay}" : "no room";
        },
        async (stay, room, context) =>
        {
            var world = WorldOf(context.IdempotencyKey);
            await world.OnCancel(stay);
            await GrainFactory.GetGrain<ICounterGrain>("cancelled").CountAsync();
            world.Log.Enqueue($"undo {stay}");
        });

    private static TripWorld WorldOf(string idempotencyKey)
    {
        var parts = idempotencyKey.Split('/');
        return TripWorld.Of(new ExecutionAddress(TenantId.Parse(parts[0]), ExecutionId.Parse(parts[1])));
    }
}

public sealed class CounterGrain : Grain, ICounterGrain
{
    // It counts what the tests make of it, whichever silo it is on by now.
    private static readonly ConcurrentDictionary<string, int> Counts = new(StringComparer.Ordinal);

    public Task<int> CountAsync() => Task.FromResult(Counts.AddOrUpdate(this.GetPrimaryKeyString(), 1, (_, count) => count + 1));

    public Task FailAsync() => throw new InvalidOperationException("as asked");

    public async Task<int> QuoteAsync(string guest) => await GrainFactory.GetGrain<IPriceGrain>("price").QuoteAsync(guest);

    public async Task<string> ErrorOfAsync(string guest)
    {
        try
        {
            return $"{await QuoteAsync(guest)}";
        }
        catch (Protocol.Errors.RecoveryException refused)
        {
            return refused.Error.Id;
        }
    }
}

internal static class TripGrains
{
    internal static void AddTo(AgentRecoveryOptions options) => options.AddGrain<DeskGrain>().AddGrain<PriceGrain>().AddGrain<HotelGrain>();
}
