using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks.Peers;

/// <summary>The step that an agent does before it passes the saga on.</summary>
public sealed record Step(string Saga, int Number, int Count, int Participants);

/// <summary>A participant's state.</summary>
public sealed record Steps
{
    /// <summary>How many it did.</summary>
    public int Count { get; init; }
}

/// <summary>A participant: an action in the world, with its compensation; after the last step the failure is found.</summary>
internal sealed class ParticipantAgent(Action<string, string, int> world, Action<string> found) : Agent<Steps>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Steps> agent)
    {
        var act = agent.Compensatable<Step, int>(
            "act",
            (step, _) =>
            {
                world("do", step.Saga, step.Number);
                return Task.FromResult(step.Number);
            },
            (step, _, _) =>
            {
                world("undo", step.Saga, step.Number);
                return Task.CompletedTask;
            });
        agent.On<Step>(async (step, context) =>
        {
            await context.ActAsync(act, step);
            context.State = new Steps { Count = context.State.Count + 1 };
            if (step.Number + 1 < step.Count)
            {
                context.Send(AgentId.Parse($"p{(step.Number + 1) % step.Participants}"), step with { Number = step.Number + 1 });
            }
            else
            {
                found(step.Saga);
            }
        });
    }
}

/// <summary>
/// The saga on the local host: an execution for each, its participants are agents that pass a message on. A monitor signals that the first step was wrong once the last
/// is done; after a restart it looks for executions that came so far unsignalled.
/// </summary>
internal static class OurWorker
{
    private static readonly IssuerId Monitor = IssuerId.Parse("monitor");
    private static readonly Lock WorldSync = new();

    public static async Task RunAsync()
    {
        var orders = JsonSerializer.Deserialize<Orders>(Environment.GetEnvironmentVariable("SAGA")!, JsonSerializerOptions.Web)!;
        var found = new ConcurrentDictionary<string, TaskCompletionSource>();
        await using var journal = await Journals.OpenAsync(orders.Npgsql is { Length: > 0 } postgres ? postgres : Path.Combine(orders.Folder, "saga.db"));
        using var key = LedgerKey.OpenOrCreate(Path.Combine(orders.Folder, "key.pem"));
        const int Many = 1_000_000;
        var catalog = new AgentCatalog().Add(() => new ParticipantAgent(ActInWorld, saga => found.GetOrAdd(saga, NewSource).TrySetResult()), "participant");
        await using var host = await LocalRecoveryHost.OpenAsync(journal, catalog, new LocalHostOptions
        {
            LedgerKey = key,
            Signals = new SignalPolicy { QuotaPerMinute = Many, QuotaBurst = Many, TenantQuotaPerMinute = Many, TenantQuotaBurst = Many },
        });
        Say("config", orders.Npgsql.Length > 0
            ? "local host; PostgreSQL as it comes (fsync, synchronous_commit on), group commit; signals' quotas lifted"
            : "local host; SQLite WAL, synchronous=FULL, group commit; signals' quotas lifted");
        Say("ready");
        if (orders.Mode == "resume")
        {
            await Task.WhenAll((await LoadedExecution.ListAsync(journal)).Select(ResumeAsync));
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
            // Until the harness closes the input.
        }

        void ActInWorld(string verb, string saga, int step)
        {
            lock (WorldSync)
            {
                File.AppendAllText(orders.World, string.Create(CultureInfo.InvariantCulture, $"{verb}\t{saga}\t{step}\n"));
            }
        }

        async Task InLanesAsync(string prefix, int count)
        {
            var next = -1;
            await Task.WhenAll(Enumerable.Range(0, orders.Lanes).Select(_ => Task.Run(async () =>
            {
                for (var number = Interlocked.Increment(ref next); number < count; number = Interlocked.Increment(ref next))
                {
                    var saga = string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}");
                    Say("done", saga, await SagaAsync(saga));
                }
            })));
        }

        async Task<double> SagaAsync(string saga)
        {
            var execution = new ExecutionAddress(TenantId.Parse("peer"), ExecutionId.Parse(saga));
            var agents = Enumerable.Range(0, orders.Participants)
                .Select(number => new AgentAssignment(AgentId.Parse($"p{number}"), new AgentClass("participant"))).ToList();
            await host.StartAsync(new ExecutionStart(execution, agents, new RecoveryPolicy { AfterRollback = AfterRollbackRule.Stop }));
            await host.SendAsync(execution, agents[0].Agent, new Step(saga, 0, orders.Steps, orders.Participants));
            if (orders.Mode == "kill")
            {
                Say("accepted", saga);
            }

            await found.GetOrAdd(saga, NewSource).Task;
            var began = Stopwatch.GetTimestamp();
            await host.SignalAsync(Signal(execution));
            await host.SettledAsync(execution);
            found.TryRemove(saga, out _);
            return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }

        // What was under way goes on by itself; that it is wrong was perhaps not said yet.
        async Task ResumeAsync(ExecutionAddress execution)
        {
            await host.SettledAsync(execution);
            var status = await host.StatusAsync(execution);
            if (status.Recoveries.Count == 0 && status.Agents.Any(agent => agent.Current.Number > 0))
            {
                await host.SignalAsync(Signal(execution));
                await host.SettledAsync(execution);
            }
        }
    }

    private static FailureSignal Signal(ExecutionAddress execution) =>
        FailureSignals.Make(execution, new Interval(AgentId.Parse("p0"), CheckpointNumber.Of(1)), Monitor);

    private static TaskCompletionSource NewSource(string saga) => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void Say(params object[] words) =>
        Console.WriteLine(string.Join('\t', words.Select(word => Convert.ToString(word, CultureInfo.InvariantCulture))));
}
