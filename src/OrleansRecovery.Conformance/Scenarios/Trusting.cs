using System.Text;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Conformance.Scenarios;

/// <summary>Which code may run (docs/capabilities.md), and what becomes of what it did.</summary>
internal static class Trusting
{
    private const string Builder = "https://builds.example/release";

    private static readonly IssuerId Operator = IssuerId.Parse("operator");
    private static readonly IssuerId Signer = IssuerId.Parse("build");

    /// <summary>At once, on whichever silo the agent is.</summary>
    public static async Task Code_whose_builder_is_not_believed_any_more_begins_no_turn_until_it_is_again(IConformanceHost host)
    {
        var (isTrusted, turns) = (true, 0);
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var world = new ProbeWorld
        {
            OnTurn = (turn, _) =>
            {
                if (Interlocked.Increment(ref turns) == 5)
                {
                    all.SetResult();
                }

                return Volatile.Read(ref isTrusted) ? Task.CompletedTask : throw new ConformanceException($"{turn} began with code that is not to be used.");
            },
        };
        var stage = await Stage.StartAsync(host, world);
        await ActivateAsync(stage, "probe");
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SettledAsync();

        await stage.Tenants.ChangeCapabilityAsync(stage.Execution.Tenant, CapabilityChange.Distrust(new TrustedBuilder(Signer, Builder), 2, Operator, "it was breached"));
        Volatile.Write(ref isTrusted, false);
        await stage.SendAsync("a", "act", "y", "b");
        await stage.SendAsync("bystander", "act", "z");
        Expect.Equal(2, (await stage.Client.StatusAsync(stage.Execution)).PendingMessages);

        Volatile.Write(ref isTrusted, true);
        await stage.Tenants.ChangeCapabilityAsync(stage.Execution.Tenant, CapabilityChange.Trust(new TrustedBuilder(Signer, Builder), 3, Operator, "it was mended"));
        await all.Task.WaitAsync(TimeSpan.FromMinutes(2)); // agents that were refused look again by themselves
        Expect.Equal(0, (await stage.SettledAsync()).Recoveries.Count); // it waited, and did not fail
        Expect.Equal("do x, do x+, do y, do y+, do z", string.Join(", ", world.Log.Order(StringComparer.Ordinal)));
        Expect.Equal(5, turns);
    }

    /// <summary>Which intervals used it, and their recovery.</summary>
    public static async Task What_used_a_revoked_capability_is_found_and_undone_with_what_depended_on_it(IConformanceHost host)
    {
        var world = new ProbeWorld();
        var stage = await Stage.StartAsync(host, world);
        await stage.SendAsync("bystander", "act", "before");
        await stage.SettledAsync();
        var capability = await ActivateAsync(stage, "probe.act");
        await stage.SendAsync("bystander", "note", "nothing");
        await stage.SendAsync("a", "try", "x", "b");
        await stage.SettledAsync();
        Expect.Equal("a/1 b/1", Intervals(await stage.UsesAsync(capability)));

        await stage.Tenants.ChangeCapabilityAsync(stage.Execution.Tenant, CapabilityChange.Revoke(capability, 4, Operator, "a hole"));
        foreach (var suspect in CapabilityUseQueries.Suspects(await stage.UsesAsync(capability)))
        {
            try
            {
                await stage.Client.SignalAsync(FailureSignals.Make(
                    stage.Execution, new Interval(suspect.Agent, suspect.Interval), Operator, FailureReason.PolicyViolation, suspect.Incarnation, $"{capability} is revoked"));
            }
            catch (RecoveryException fallen) when (fallen.Error.Code is RecoveryErrorCode.UnknownInterval or RecoveryErrorCode.StaleSignal)
            {
                // It fell with the one before.
            }
        }

        var status = await stage.SettledAsync();
        Expect.Equal(true, status.Recoveries.All(recovery => recovery.Phase is CoordinatorPhase.Completed or CoordinatorPhase.Aborted));
        Expect.Equal("do before, do x, do x+, undo x+, undo x", string.Join(", ", world.Log));
        Expect.Equal("caught act", (await stage.StateOfAsync("a"))[^1]);
        Expect.Equal("caught act", (await stage.StateOfAsync("b"))[^1]);
        Expect.Equal("before, nothing", string.Join(", ", await stage.StateOfAsync("bystander")));
        Expect.Equal(0, CapabilityUseQueries.Suspects(await stage.UsesAsync(capability)).Count); // all that used it is undone, and nothing used it since
        Expect.Equal(6, (await stage.LedgerAsync()).Count(kind => kind == RecoveryRecordKind.OperatorDecided)); // a key, whom to believe, and four steps of the capability
    }

    /// <summary>Policy asks for capabilities.</summary>
    public static async Task Where_policy_asks_for_capabilities_no_other_code_runs(IConformanceHost host)
    {
        var isActive = false;
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var world = new ProbeWorld
        {
            OnTurn = (turn, _) =>
            {
                begun.TrySetResult();
                return Volatile.Read(ref isActive) ? Task.CompletedTask : throw new ConformanceException($"{turn} began without a capability.");
            },
        };
        var stage = await Stage.StartAsync(host, world, RecoveryPolicy.Default with { Capabilities = CapabilityRule.Required });
        await stage.SendAsync("a", "act", "x");

        Volatile.Write(ref isActive, true);
        await ActivateAsync(stage, "probe");
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(2));
        Expect.Equal(0, (await stage.SettledAsync()).Recoveries.Count);
        Expect.Equal("do x", string.Join(", ", world.Log));
    }

    /// <summary>Nothing that is not proven is activated.</summary>
    public static async Task Evidence_that_proves_nothing_to_the_tenant_activates_nothing(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        var tenant = stage.Execution.Tenant;
        using var stranger = SigningKey.Ephemeral();
        var (capability, evidence) = Evidence("probe", stranger);
        await stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Register(capability, evidence, 1, Operator, "found somewhere"));
        await stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Register(capability, evidence, 1, Operator, "again"));

        await Expect.RefusedAsync(RecoveryErrorCode.UntrustedEvidence, () => stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Verify(capability, 2, Operator, "let us see")));
        await Expect.RefusedAsync(RecoveryErrorCode.IllegalTransition, () => stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Activate(capability, 2, Operator, "all the same")));
        await Expect.RefusedAsync(
            RecoveryErrorCode.MalformedEvidence,
            () => stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Register(capability, evidence with { Bom = Encoding.UTF8.GetBytes("{}") }, 2, Operator, "another bill")));
        Expect.Equal(1, (await stage.LedgerAsync()).Count(kind => kind == RecoveryRecordKind.OperatorDecided));
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync(); // and guards nothing
    }

    private static string Intervals(IEnumerable<CapabilityUse> uses) => string.Join(' ', uses.Select(use => $"{use.Agent}/{use.Interval}"));

    private static async Task<CapabilityId> ActivateAsync(Stage stage, string name)
    {
        var tenant = stage.Execution.Tenant;
        using var key = SigningKey.Ephemeral();
        var (capability, evidence) = Evidence(name, key);
        await stage.Tenants.ChangeKeyAsync(tenant, IssuerKeyChange.Add(Signer, key.Public, 1, Operator, "enrolled"));
        await stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Trust(new TrustedBuilder(Signer, Builder), 1, Operator, "our release builds"));
        await stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Register(capability, evidence, 1, Operator, "built"));
        await stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Verify(capability, 1, Operator, "looked at"));
        await stage.Tenants.ChangeCapabilityAsync(tenant, CapabilityChange.Activate(capability, 1, Operator, "approved"));
        return capability;
    }

    private static (CapabilityId Capability, CapabilityEvidence Evidence) Evidence(string name, SigningKey key)
    {
        var digest = CodeDigest.Of(typeof(ProbeAgent).Assembly)!;
        var bom = Encoding.UTF8.GetBytes(
            $$$"""{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"library","name":"probes","hashes":[{"alg":"SHA-256","content":"{{{digest}}}"}]}},"components":[]}""");
        return (CapabilityId.Of(CapabilityName.Parse(name), digest), new CapabilityEvidence(key.Attest(ProvenanceStatement.Write("probes", digest, Builder, ContentChecks.ChecksumOf(bom))), bom));
    }
}
