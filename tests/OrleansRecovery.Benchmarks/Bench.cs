using System.Diagnostics;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks;

/// <summary>Act so many times, and tell these.</summary>
public sealed record Work(int Times, IReadOnlyList<string> Next);

/// <summary>A counter.</summary>
public sealed record Counted
{
    /// <summary>How often.</summary>
    public int Count { get; init; }
}

/// <summary>Acts and passes on.</summary>
public sealed class WorkAgent : Agent<Counted>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Counted> agent)
    {
        var act = agent.Compensatable<int, int>("act", (number, _) => Task.FromResult(number), (_, _, _) => Task.CompletedTask);
        agent.On<Work>(async (work, context) =>
        {
            for (var i = 0; i < work.Times; i++)
            {
                await context.ActAsync(act, i);
            }

            context.State = new Counted { Count = context.State.Count + work.Times };
            if (work.Next.Count > 0 && work.Next[0] == "*")
            {
                foreach (var next in work.Next.Skip(1))
                {
                    context.Send(AgentId.Parse(next), new Work(work.Times, []));
                }
            }
            else if (work.Next.Count > 0)
            {
                context.Send(AgentId.Parse(work.Next[0]), new Work(work.Times, [.. work.Next.Skip(1)]));
            }
        });
    }
}

/// <summary>What is measured.</summary>
public static class Bench
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("bench"), ExecutionId.Parse("run"));

    /// <summary>Everything once, so that nothing is compiled while it is measured.</summary>
    public static async Task WarmUpAsync()
    {
        await ActionsAsync(16, 4, grouped: true);
        await RecoveryAsync("fan-out", 20);
    }

    /// <summary>Compensatable actions per second, each journalled as intent and outcome, and the forced writes that it took.</summary>
    public static Task<(double PerSecond, long Writes)> ActionsAsync(int agents, int each, bool grouped) =>
        RunAsync(agents, grouped, async (host, names, writes) =>
        {
            var before = writes();
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(names.Select(name => host.SendAsync(Execution, AgentId.Parse(name), new Work(each, []))));
            await host.SettledAsync(Execution);
            return (agents * each / clock.Elapsed.TotalSeconds, writes() - before);
        });

    /// <summary>The time from the signal to the outcome when all of so many agents fall, each with one action to undo.</summary>
    public static Task<(TimeSpan Elapsed, long Writes)> RecoveryAsync(string shape, int agents) =>
        RunAsync(agents, true, async (host, names, writes) =>
        {
            IReadOnlyList<string> next = shape == "chain" ? [.. names.Skip(1)] : ["*", .. names.Skip(1)];
            await host.SendAsync(Execution, AgentId.Parse(names[0]), new Work(1, next));
            await host.SettledAsync(Execution);
            var before = writes();
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            var clock = Stopwatch.StartNew();
            await host.SignalAsync(new FailureSignal(
                SignalId.Parse($"s-{Guid.CreateVersion7():N}"), IssuerId.Parse("bench"), Execution.Tenant, Execution.Execution,
                new Interval(AgentId.Parse(names[0]), CheckpointNumber.Of(1)), Incarnation.First, FailureReason.Other, now, now + 60_000));
            await host.SettledAsync(Execution);
            var recovery = (await host.StatusAsync(Execution)).Recoveries.Single();
            return recovery.Phase == CoordinatorPhase.Completed && recovery.Targets.Count == agents
                ? (clock.Elapsed, writes() - before)
                : throw new InvalidOperationException($"{recovery.Phase} with {recovery.Targets.Count} agents");
        });

    private static async Task<T> RunAsync<T>(int agents, bool grouped, Func<LocalRecoveryHost, IReadOnlyList<string>, Func<long>, Task<T>> measure)
    {
        var folder = Directory.CreateTempSubdirectory("recovery-bench-");
        try
        {
            var options = new JournalOptions();
            await using var journal = await Journals.OpenSqliteAsync(Path.Combine(folder.FullName, "b.db"), grouped ? options : options.WithoutGroupCommit());
            await using var host = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().Add<WorkAgent>("work"));
            var names = Enumerable.Range(0, agents).Select(number => $"n{number}").ToList();
            await host.StartAsync(new ExecutionStart(
                Execution,
                [.. names.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("work")))],
                new RecoveryPolicy { AgentCountMax = 100_000, AfterRollback = AfterRollbackRule.Stop, VoteTimeoutMilliseconds = 60_000 }));
            return await measure(host, names, () => Journals.StatisticsOf(journal).CommitCount);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
