using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation;

/// <summary>The processes that drive an execution, as their users see them.</summary>
internal interface IHost
{
    Action<string> Tell { get; set; }

    /// <summary>What it saw that must not be.</summary>
    IReadOnlyList<string> Complaints { get; }

    Task StartAsync(ExecutionStart start);

    Task SendAsync(ExecutionAddress execution, AgentId to, Work work);

    Task SignalAsync(FailureSignal signal);

    Task<ExecutionStatus> StatusAsync(ExecutionAddress execution);

    Task DecideAsync(ExecutionAddress execution, RecoveryId recovery, OperatorDecision decision, IssuerId by);

    Task ResumeAsync(ExecutionAddress execution, IssuerId by);

    Task PauseAsync(ExecutionAddress execution, IssuerId by);

    Task SealAsync(ExecutionAddress execution, Interval interval, IssuerId by);

    Task<bool> IsSettledAsync(ExecutionAddress execution);

    void Kill(Process process);

    /// <summary>Something befalls a process, or the network.</summary>
    void Trouble(Fault fault);

    /// <summary>What stood still goes on, and what was cut is whole.</summary>
    void Calm();
}
