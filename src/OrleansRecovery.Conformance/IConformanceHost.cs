using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Conformance;

/// <summary>A host under test. It was made with the agents of <see cref="Probes.ProbeAgent.AddTo"/>, and is used by one scenario after another.</summary>
public interface IConformanceHost
{
    /// <summary>What its users call.</summary>
    IRecoveryClient Client { get; }

    /// <summary>What its operators call.</summary>
    ITenantClient Tenants => (ITenantClient)Client;

    /// <summary>Its journals, to look into.</summary>
    IJournal Journal { get; }
}
