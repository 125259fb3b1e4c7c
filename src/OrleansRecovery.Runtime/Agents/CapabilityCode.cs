using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>Which code an agent class or an action is.</summary>
/// <param name="Name">Its capability; null where it has no name that could be one.</param>
/// <param name="Digest">The digest of the code as it is now; null where nobody can say it.</param>
internal sealed record CapabilityCode(CapabilityName? Name, Func<string?> Digest)
{
    /// <summary>The name when it keeps the rule for names; else null.</summary>
    internal static CapabilityName? NameOf(string text) => TermText.TryValidate(CapabilityName.Term, text, out _) ? CapabilityName.Parse(text) : null;
}

/// <summary>Judges what an agent is about to run. What is decided is <see cref="CapabilityCatalog.Judge"/>'s.</summary>
internal static class CapabilityJudging
{
    /// <summary>May the agent's own code run?</summary>
    internal static CapabilityRuling Judge(this AgentBehavior behavior, CapabilityView view, CapabilityRule rule) =>
        rule == CapabilityRule.WhereGuarded && view == CapabilityView.Empty ? CapabilityRuling.Unguarded : JudgeCode(behavior.Code, view, rule == CapabilityRule.Required);

    /// <summary>
    /// May the action's code run, and the agent's? An action that stands in the file of its agent class, and whose name nobody guards, is used as that class.
    /// </summary>
    internal static CapabilityRuling Judge(this AgentBehavior behavior, ActionBehavior action, CapabilityView view, CapabilityRule rule)
    {
        if (rule == CapabilityRule.WhereGuarded && view == CapabilityView.Empty)
        {
            return CapabilityRuling.Unguarded;
        }

        var agent = behavior.Judge(view, rule);
        if (agent.Fault is not null)
        {
            return agent;
        }

        var own = action.Code with { Name = action.Code.Name ?? CapabilityCode.NameOf($"{behavior.Code.Name}.{action.Name}") };
        var ruling = JudgeCode(own, view, rule == CapabilityRule.Required && own.Digest() != behavior.Code.Digest());
        return ruling == CapabilityRuling.Unguarded ? agent : ruling;
    }

    private static CapabilityRuling JudgeCode(CapabilityCode code, CapabilityView view, bool isRequired) =>
        code.Name is { } name ? view.Catalog.Judge(name, code.Digest(), view.Keys, isRequired)
        : isRequired ? new CapabilityRuling(null, "code without a name that a capability could have")
        : CapabilityRuling.Unguarded;
}
