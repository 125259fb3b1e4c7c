namespace OrleansRecovery.Protocol.Terms;

/// <summary>Where an execution is found: its tenant and its name within the tenant.</summary>
/// <param name="Tenant">Whose execution.</param>
/// <param name="Execution">Which one.</param>
public readonly record struct ExecutionAddress(TenantId Tenant, ExecutionId Execution)
{
    /// <summary>For people, and for the <c>--execution</c> option: <c>tenant/execution</c>.</summary>
    public override string ToString() => $"{Tenant}/{Execution}";
}
