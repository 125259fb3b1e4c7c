// The saga on Orleans.Transactions: each step, and each compensation, is a distributed transaction of the saga's grain, which counts how far it is, and of a
// participant's, which does the work; both commit or neither. State is in PostgreSQL through Orleans' ADO.NET grain storage. After a crash somebody must call the saga
// again (an application uses a reminder; here it is the worker).
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Concurrency;
using Orleans.Transactions.Abstractions;

var orders = JsonSerializer.Deserialize<Orders>(Environment.GetEnvironmentVariable("SAGA")!, JsonSerializerOptions.Web)!;
World.Path = orders.World;
if (orders.Mode != "resume")
{
    await using var connection = new NpgsqlConnection(orders.Npgsql);
    await connection.OpenAsync();
    await using var schema = new NpgsqlCommand(await File.ReadAllTextAsync(orders.Schema), connection);
    schema.AllResultTypesAreUnknown = true;
    await schema.ExecuteNonQueryAsync();
}

var builder = Host.CreateApplicationBuilder();
builder.Logging.ClearProviders();
builder.UseOrleans(silo => silo
    .UseLocalhostClustering(orders.Ports[0], orders.Ports[1])
    .AddAdoNetGrainStorage("TransactionStore", options => (options.Invariant, options.ConnectionString) = ("Npgsql", orders.Npgsql))
    .UseTransactions());
using var app = builder.Build();
await app.StartAsync();
var grains = app.Services.GetRequiredService<IGrainFactory>();
Say("config", "one silo; UseTransactions, AddAdoNetGrainStorage(\"TransactionStore\") on PostgreSQL; all else as it comes");
Say("ready");
if (orders.Mode == "resume")
{
    // What an application's reminders would call.
    await Parallel.ForEachAsync(orders.Accepted, new ParallelOptions { MaxDegreeOfParallelism = orders.Lanes }, async (saga, _) => await UntilAsync(saga));
}
else
{
    await InLanesAsync("w", orders.Warm);
    Say("begin");
    var clock = Stopwatch.StartNew();
    await InLanesAsync("s", orders.Sagas);
    Say("end", clock.Elapsed.TotalSeconds);
}

while (await Console.In.ReadLineAsync() is not null)
{
}

Environment.Exit(0);

void Say(params object[] words) => Console.WriteLine(string.Join('\t', words.Select(word => Convert.ToString(word, System.Globalization.CultureInfo.InvariantCulture))));

async Task InLanesAsync(string prefix, int count)
{
    var next = -1;
    await Task.WhenAll(Enumerable.Range(0, orders.Lanes).Select(async _ =>
    {
        for (var number = Interlocked.Increment(ref next); number < count; number = Interlocked.Increment(ref next))
        {
            var saga = $"{prefix}{number}";
            await grains.GetGrain<ISagaGrain>(saga).StartAsync(orders.Steps);
            if (orders.Mode == "kill")
            {
                Say("accepted", saga);
            }

            Say("done", saga, await UntilAsync(saga));
        }
    }));
}

// A transaction that meets another's lock, or a silo that has just begun, is aborted: it is called again.
async Task<double> UntilAsync(string saga)
{
    for (var tries = 1; ; tries++)
    {
        try
        {
            return await grains.GetGrain<ISagaRunner>(saga).RunAsync(orders.Participants);
        }
        catch (OrleansException) when (tries < 20)
        {
        }
    }
}

internal sealed record Orders(
    string Mode, int Sagas, int Warm, int Steps, int Participants, int Lanes, string World, string Npgsql, string Schema, int[] Ports, string[] Accepted);

internal static class World
{
    private static readonly Lock Sync = new();

    public static string Path { get; set; } = "";

    public static void Act(string verb, string saga, int step)
    {
        lock (Sync)
        {
            File.AppendAllText(Path, $"{verb}\t{saga}\t{step}\n");
        }
    }
}

/// <summary>How far a saga is.</summary>
[GenerateSerializer]
public sealed class Progress
{
    /// <summary>How many steps it has.</summary>
    [Id(0)]
    public int Steps { get; set; }

    /// <summary>How many are done.</summary>
    [Id(1)]
    public int Done { get; set; }

    /// <summary>How many of them are undone.</summary>
    [Id(2)]
    public int Undone { get; set; }
}

/// <summary>What a participant did and has not undone.</summary>
[GenerateSerializer]
public sealed class Work
{
    /// <summary>Steps.</summary>
    [Id(0)]
    public List<int> Standing { get; set; } = [];
}

/// <summary>A saga's progress.</summary>
public interface ISagaGrain : IGrainWithStringKey
{
    /// <summary>Writes down what is to be done.</summary>
    [Transaction(TransactionOption.Create)]
    Task StartAsync(int steps);

    /// <summary>Does the next step, or undoes the last that stands; how far it is then.</summary>
    [Transaction(TransactionOption.Create)]
    Task<Progress> StepAsync(int participants);
}

/// <summary>Drives a saga.</summary>
public interface ISagaRunner : IGrainWithStringKey
{
    /// <summary>Goes on to the end; milliseconds from the failure to it.</summary>
    Task<double> RunAsync(int participants);
}

/// <summary>A participant of one saga.</summary>
public interface IParticipantGrain : IGrainWithStringKey
{
    /// <summary>Does a step.</summary>
    [Transaction(TransactionOption.Join)]
    Task DoAsync(string saga, int step);

    /// <summary>Undoes it.</summary>
    [Transaction(TransactionOption.Join)]
    Task UndoAsync(string saga, int step);
}

/// <inheritdoc cref="ISagaGrain"/>
[Reentrant]
public sealed class SagaGrain([TransactionalState("saga", "TransactionStore")] ITransactionalState<Progress> state) : Grain, ISagaGrain
{
    /// <inheritdoc/>
    public Task StartAsync(int steps) => state.PerformUpdate(progress => progress.Steps = steps);

    /// <inheritdoc/>
    public async Task<Progress> StepAsync(int participants)
    {
        var saga = this.GetPrimaryKeyString();
        var now = await state.PerformRead(progress => new Progress { Steps = progress.Steps, Done = progress.Done, Undone = progress.Undone });
        var isForward = now.Done < now.Steps;
        if (!isForward && now.Undone == now.Done)
        {
            return now;
        }

        var step = isForward ? now.Done : now.Done - now.Undone - 1;
        var participant = GrainFactory.GetGrain<IParticipantGrain>($"{saga}-{step % participants}");
        await (isForward ? participant.DoAsync(saga, step) : participant.UndoAsync(saga, step));
        return await state.PerformUpdate(progress =>
        {
            (progress.Done, progress.Undone) = (progress.Done + (isForward ? 1 : 0), progress.Undone + (isForward ? 0 : 1));
            return new Progress { Steps = progress.Steps, Done = progress.Done, Undone = progress.Undone };
        });
    }
}

/// <inheritdoc cref="ISagaRunner"/>
public sealed class SagaRunner : Grain, ISagaRunner
{
    /// <inheritdoc/>
    public async Task<double> RunAsync(int participants)
    {
        var saga = GrainFactory.GetGrain<ISagaGrain>(this.GetPrimaryKeyString());
        long? failed = null;
        for (var progress = await saga.StepAsync(participants); progress.Undone < progress.Steps; progress = await saga.StepAsync(participants))
        {
            failed ??= progress.Done == progress.Steps ? Stopwatch.GetTimestamp() : null;
        }

        return failed is { } began ? Stopwatch.GetElapsedTime(began).TotalMilliseconds : 0;
    }
}

/// <inheritdoc cref="IParticipantGrain"/>
[Reentrant]
public sealed class ParticipantGrain([TransactionalState("work", "TransactionStore")] ITransactionalState<Work> state) : Grain, IParticipantGrain
{
    /// <inheritdoc/>
    public Task DoAsync(string saga, int step) => state.PerformUpdate(work =>
    {
        World.Act("do", saga, step);
        work.Standing.Add(step);
    });

    /// <inheritdoc/>
    public Task UndoAsync(string saga, int step) => state.PerformUpdate(work =>
    {
        World.Act("undo", saga, step);
        work.Standing.Remove(step);
    });
}
