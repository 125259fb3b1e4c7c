using System.Collections.Concurrent;
using System.Diagnostics;
using OrleansRecovery.Cli.Import;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Cli.Replay;

/// <summary>What a replayed failure came to.</summary>
/// <param name="Run">The run.</param>
/// <param name="Failed">The step that was failed.</param>
/// <param name="Phase">Where the recovery stands.</param>
/// <param name="Undone">The steps that fell, in their order.</param>
/// <param name="RecoveryLine">For each speaker that fell, its last step that stands, or null.</param>
/// <param name="Untouched">Speakers that keep everything.</param>
/// <param name="Rounds">Fewest rounds of compensation.</param>
/// <param name="CompensatedInOrder">The steps that were compensated, in the order in which it happened.</param>
/// <param name="Residue">The steps that could not be undone.</param>
/// <param name="SavedSteps">Steps that "undo everything after" would have undone and this did not.</param>
/// <param name="RunMilliseconds">How long the run took.</param>
/// <param name="RecoveryMilliseconds">How long the recovery took.</param>
public sealed record ReplayReport(
    string Run,
    int Failed,
    CoordinatorPhase Phase,
    IReadOnlyList<int> Undone,
    IReadOnlyDictionary<string, int?> RecoveryLine,
    IReadOnlyList<string> Untouched,
    int Rounds,
    IReadOnlyList<int> CompensatedInOrder,
    IReadOnlyList<int> Residue,
    int SavedSteps,
    double RunMilliseconds,
    double RecoveryMilliseconds);

/// <summary>Do the step with this place.</summary>
/// <param name="Index">The place.</param>
public sealed record DoStep(int Index);

/// <summary>The steps that an agent has done.</summary>
public sealed record StepsDone
{
    /// <summary>Their places.</summary>
    public IReadOnlyList<int> Steps { get; init; } = [];
}

/// <summary>Runs recorded runs through real agents, and fails a step.</summary>
public sealed class ReplayEngine
{
    private static readonly IssuerId Issuer = IssuerId.Parse("replay");

    // The runs of this process, by their executions: an agent of a cluster is made without being told which it belongs to.
    private static readonly ConcurrentDictionary<ExecutionAddress, ReplayEngine> Running = [];

    private readonly RecordedRun _run;
    private readonly TaskCompletionSource<Interval>[] _done;
    private readonly ConcurrentQueue<int> _compensated = new();
    private readonly ConcurrentDictionary<ActionId, int> _stepOf = new();

    private ReplayEngine(RecordedRun run)
    {
        _run = run;
        _done = [.. run.Steps.Select(_ => new TaskCompletionSource<Interval>(TaskCreationOptions.RunContinuationsAsynchronously))];
    }

    /// <summary>Registers the agents that play runs.</summary>
    public static void AddTo(AgentCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        catalog.Add(() => new StepAgent(), "step");
    }

    /// <summary>The execution in which a run is replayed.</summary>
    public static ExecutionAddress AddressOf(RecordedRun run, int failed, RefusedVoteRule refusedVote) =>
        new(TenantId.Parse("replay"), ExecutionId.Parse(TermText.Normalize($"{run.Name}-{failed}-{refusedVote}")));

    /// <summary>Runs a run on a local host of its own, and fails a step of it.</summary>
    /// <param name="journal">Where; a fresh execution is made in it.</param>
    /// <param name="ledgerKey">Signs the ledger.</param>
    /// <param name="run">The run.</param>
    /// <param name="failed">The step.</param>
    /// <param name="refusedVote">What happens when something that fell cannot be undone.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<ReplayReport> RunAsync(
        IJournalDatabase journal, LedgerKey ledgerKey, RecordedRun run, int failed, RefusedVoteRule refusedVote, CancellationToken cancellationToken)
    {
        var address = AddressOf(run, failed, refusedVote);
        var catalog = new AgentCatalog();
        AddTo(catalog);
        await using var host = await LocalRecoveryHost.OpenAsync(
            journal, catalog, new LocalHostOptions { Owns = owned => owned == address, LedgerKey = ledgerKey }, cancellationToken);
        return await RunAsync(host, run, failed, refusedVote, cancellationToken);
    }

    /// <summary>Runs a run on a host that knows the agents, all in this process, and fails a step of it.</summary>
    public static async Task<ReplayReport> RunAsync(
        IRecoveryClient host, RecordedRun run, int failed, RefusedVoteRule refusedVote, CancellationToken cancellationToken)
    {
        var engine = new ReplayEngine(run);
        var address = AddressOf(run, failed, refusedVote);
        Running[address] = engine;
        try
        {
            return await engine.RunAsync(host, address, failed, refusedVote, cancellationToken);
        }
        finally
        {
            Running.TryRemove(address, out _);
        }
    }

    private async Task<ReplayReport> RunAsync(
        IRecoveryClient host, ExecutionAddress address, int failed, RefusedVoteRule refusedVote, CancellationToken cancellationToken)
    {
        var policy = new RecoveryPolicy
        {
            AfterRollback = AfterRollbackRule.Stop,
            IrrevocableActions = IrrevocableActionRule.Allow,
            RefusedVote = refusedVote,
            AgentCountMax = 1_000_000,
        };
        var agents = _run.Steps.Select(step => step.Agent).Distinct().Select(agent => new AgentAssignment(agent, new AgentClass("step")));
        await host.StartAsync(new ExecutionStart(address, [.. agents], policy), cancellationToken);

        var clock = Stopwatch.StartNew();
        await Task.WhenAll(_run.Steps.GroupBy(step => step.Agent).Select(SendAsync));
        await host.SettledAsync(address, cancellationToken);
        var ran = clock.Elapsed;
        var suspect = await _done[failed].Task.WaitAsync(cancellationToken);
        var preview = await host.PlanAsync(address, suspect, cancellationToken);

        clock.Restart();
        await host.SignalAsync(FailureSignals.Make(address, suspect, Issuer), cancellationToken);
        await host.SettledAsync(address, cancellationToken);
        var recovery = (await host.StatusAsync(address, cancellationToken)).Recoveries.Single();
        var intervals = await Task.WhenAll(_done.Select(done => done.Task)).WaitAsync(cancellationToken);
        return Report(failed, intervals, preview, recovery, ran, clock.Elapsed);

        // An agent does its steps in the order in which they were sent.
        async Task SendAsync(IEnumerable<RecordedStep> steps)
        {
            foreach (var step in steps)
            {
                await host.SendAsync(address, step.Agent, new DoStep(step.Index), cancellationToken);
            }
        }
    }

    private ReplayReport Report(int failed, Interval[] intervals, RecoveryPreview preview, RecoveryStatus recovery, TimeSpan ran, TimeSpan recovered)
    {
        var undone = _run.Steps
            .Where(step => recovery.Targets.TryGetValue(step.Agent, out var target) && intervals[step.Index].Number >= target)
            .Select(step => step.Index)
            .ToList();
        var fell = undone.ToHashSet();
        var line = new SortedDictionary<string, int?>(StringComparer.Ordinal);
        var untouched = new List<string>();
        foreach (var speaker in _run.Steps.GroupBy(step => step.Speaker, StringComparer.Ordinal))
        {
            var first = speaker.FirstOrDefault(step => fell.Contains(step.Index));
            if (first is null)
            {
                untouched.Add(speaker.Key);
            }
            else
            {
                line[speaker.Key] = speaker.LastOrDefault(step => step.Index < first.Index)?.Index;
            }
        }

        var residue = recovery.Residue.Where(item => item.Action is not null).Select(item => _stepOf[new ActionId(item.Agent, item.Action!.Value)]).Order().ToList();
        return new ReplayReport(
            _run.Name,
            failed,
            recovery.Phase,
            undone,
            line,
            untouched,
            preview.Compensations.Count,
            [.. _compensated],
            residue,
            _run.Steps.Count - failed - undone.Count,
            ran.TotalMilliseconds,
            recovered.TotalMilliseconds);
    }

    private sealed class StepAgent : Agent<StepsDone>
    {
        protected override void Define(AgentDefinition<StepsDone> agent)
        {
            var reversible = agent.Compensatable<Step, int>("step", DoAsync, (step, _, _) =>
            {
                Running[step.Execution]._compensated.Enqueue(step.Index);
                return Task.CompletedTask;
            });
            var final = agent.Irrevocable<Step, int>("final-step", DoAsync);
            agent.On<DoStep>(async (step, context) =>
            {
                var engine = Running[context.Execution];
                var recorded = engine._run.Steps[step.Index];
                foreach (var read in recorded.Reads)
                {
                    context.Declare(await engine._done[read].Task.WaitAsync(context.CancellationToken), DependencyKind.Artifact);
                }

                await context.ActAsync(recorded.Class == ActionClass.Irrevocable ? final : reversible, new Step(context.Execution, step.Index));
                context.State = new StepsDone { Steps = [.. context.State.Steps, step.Index] };
                engine._done[step.Index].TrySetResult(context.Interval);
            });
        }

        private static Task<int> DoAsync(Step step, ActionContext context)
        {
            Running[step.Execution]._stepOf[context.Action] = step.Index;
            return Task.FromResult(step.Index);
        }
    }

    private sealed record Step(ExecutionAddress Execution, int Index);
}
