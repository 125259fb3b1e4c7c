using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Checks;
using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation.Workload;

/// <summary>Those who start executions, send, signal, seal, pause and decide; each of their calls ends with an answer or a named error.</summary>
internal sealed class Users(Loop loop, Process process, IHost host, Tally seen, RunOptions options)
{
    private static readonly IssuerId Name = IssuerId.Parse("user");

    /// <summary>What they met that nobody may meet.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>How many of their calls have no answer yet.</summary>
    public int Asked { get; private set; }

    /// <summary>Told of what they do.</summary>
    public Action<string> Tell { get; set; } = _ => { };

    /// <summary>What they do with an execution, and when.</summary>
    public void Plan(SimulatedExecution execution, Loop chance, TimeSpan end) => _ = process.Start(async () =>
    {
        await host.StartAsync(execution.Start);
        for (var count = Math.Min(chance.Random.Next(1, 6), options.MessagesMax); count > 0; count--)
        {
            var to = chance.Chance(0.5) ? execution.Agents[0] : chance.PickOne(execution.Agents);
            At(chance, end, () => SendAsync(execution, to, execution.Script(to, options.Depth)));
        }

        for (var count = Math.Min(chance.PickOne(1, 1, 1, 2, 3), options.SignalsMax); count > 0; count--)
        {
            At(chance, end, () => SignalAsync(execution));
        }

        if (options.Crashes is null && options.TroublesMax > 0 && chance.Chance(0.3))
        {
            At(chance, end, () => host.PauseAsync(execution.Address, Name));
            At(chance, end, () => host.ResumeAsync(execution.Address, Name));
            At(chance, end, () => SealAsync(execution));
            At(chance, end, () => SealAsync(execution));
        }

        for (var count = options.Crashes is null ? chance.PickOne(0, 0, 2, 5) : 0; count > 0; count--)
        {
            At(chance, end, () => OperateAsync(execution));
        }
    });

    /// <summary>What they do at once, while it stands as it does now.</summary>
    public void Hurry(SimulatedExecution execution)
    {
        for (var count = loop.Random.Next(2, 7); count > 0; count--)
        {
            var to = loop.PickOne(execution.Agents);
            Ask(() => SendAsync(execution, to, execution.BusyScript()));
        }

        if (options.SignalsMax > 1 && loop.Chance(0.3))
        {
            Ask(() => SignalAsync(execution));
        }
    }

    /// <summary>An operator looks at it.</summary>
    public void Look(SimulatedExecution execution) => Ask(() => OperateAsync(execution));

    public async Task SendAsync(SimulatedExecution execution, AgentId to, Script script)
    {
        Tell($"user sends {script.Id} to {to}");
        await host.SendAsync(execution.Address, to, new Work(script, []));
    }

    /// <summary>What an operator does who looks at it.</summary>
    public async Task OperateAsync(SimulatedExecution execution)
    {
        var status = await host.StatusAsync(execution.Address);
        if (status.Phase == ExecutionPhase.Paused)
        {
            await host.ResumeAsync(execution.Address, Name);
        }

        if (status.Phase == ExecutionPhase.Escalated)
        {
            await host.DecideAsync(execution.Address, status.Recoveries[^1].Recovery, loop.PickOne(OperatorDecision.Approve, OperatorDecision.Reject), Name);
        }

        foreach (var recovery in status.Recoveries.Where(recovery => recovery.WaitsFor is not null))
        {
            var decision = loop.PickOne(OperatorDecision.Approve, OperatorDecision.Force, OperatorDecision.Retry, OperatorDecision.Reject);
            seen.Add($"operator {decision} at {recovery.WaitsFor}");
            Tell($"operator decides {decision} about {recovery.WaitsFor}");
            await host.DecideAsync(execution.Address, recovery.Recovery, decision, Name);
        }
    }

    /// <summary>What a user may be answered instead.</summary>
    public static bool IsNamed(Exception failure) => failure is RecoveryException or StaleAppendException or TimeoutException or InvalidOperationException;

    private void At(Loop chance, TimeSpan end, Func<Task> what) => loop.After(end * chance.Random.NextDouble(), () => Ask(what));

    private void Ask(Func<Task> what) => _ = process.Start(async () =>
    {
        Asked++;
        try
        {
            await what();
        }
        catch (Exception refused) when (IsNamed(refused))
        {
            seen.Add($"refused {(refused as RecoveryException)?.Error.Code.ToString() ?? refused.GetType().Name}");
            Tell($"user: {refused.Message}");
        }
#pragma warning disable CA1031 // Whatever else a user meets must not be.
        catch (Exception bug)
#pragma warning restore CA1031
        {
            Complaints.Add($"a user's call ends with {bug}");
        }

        Asked--;
    });

    private async Task SignalAsync(SimulatedExecution execution)
    {
        var suspect = execution.AnyInterval();
        Tell($"user signals {suspect}");
        await host.SignalAsync(FailureSignals.Make(execution.Address, suspect, Name, time: process.Time) with { Signal = execution.NextSignal() });
    }

    private async Task SealAsync(SimulatedExecution execution)
    {
        var interval = execution.AnyInterval();
        Tell($"user seals {interval}");
        await host.SealAsync(execution.Address, interval, Name);
        seen.Add("sealed by a user");
    }
}
