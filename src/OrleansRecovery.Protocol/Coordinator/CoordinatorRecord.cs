namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>What an execution's log keeps of its coordinator: how a recovery was opened, or an input that changed it.</summary>
/// <param name="Opened">The opening, or null.</param>
/// <param name="Recovery">For an input: whose.</param>
/// <param name="Input">The input, or null.</param>
public sealed record CoordinatorRecord(RecoveryOpening? Opened = null, Terms.RecoveryId? Recovery = null, CoordinatorInput? Input = null);
