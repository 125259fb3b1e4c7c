using OrleansRecovery.Orleans.Serialization;

namespace OrleansRecovery.Orleans.Grains;

/// <summary>What a tenant has. Its key is the tenant.</summary>
[Alias("recovery.tenant")]
public interface ITenantGrain : IGrainWithStringKey
{
    /// <summary>
    /// The names of its executions behind one, in their order; from the first on where it is null. Missing are those that a version started that kept no names.
    /// </summary>
    [Alias("executions")]
    Task<Reply<IReadOnlyList<string>>> ExecutionsAsync(string? after, int countMax);
}
