using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>What an action is told when it runs.</summary>
/// <param name="Action">The action's id: the same in every try of the same intent.</param>
/// <param name="IdempotencyKey">For the service that is called: it never changes for this intent, on any host, after any crash.</param>
/// <param name="CancellationToken">Cancelled when the host stops or the agent is rolled back.</param>
public sealed record ActionContext(ActionId Action, string IdempotencyKey, CancellationToken CancellationToken);

/// <summary>What a compensation is told when it runs (recovery model, section 3, step 3).</summary>
/// <param name="Action">The action that is undone.</param>
/// <param name="IdempotencyKey">For the service that is called: the same in every try and in every recovery that undoes this action.</param>
/// <param name="InDoubt">The action has an intent and no outcome: it may not have run. The result is then the default value.</param>
/// <param name="Attempt">1 for the first call of a try.</param>
/// <param name="CancellationToken">Cancelled when the host stops or the try takes too long.</param>
public sealed record CompensationContext(
    ActionId Action, string IdempotencyKey, bool InDoubt, int Attempt, CancellationToken CancellationToken);

/// <summary>
/// A declared action: made by <see cref="AgentDefinition{TState}"/>, used with <see cref="AgentContext{TState}.ActAsync{TArgument,TResult}"/>.
/// </summary>
/// <typeparam name="TArgument">What it is given; serialisable.</typeparam>
/// <typeparam name="TResult">What it answers; serialisable.</typeparam>
public sealed class AgentAction<TArgument, TResult>
{
    internal AgentAction(ActionBehavior behavior) => Behavior = behavior;

    /// <summary>The registered name: part of the journal, so it may not change while executions live.</summary>
    public string Name => Behavior.Name;

    /// <summary>What can be done about it once it has run.</summary>
    public ActionClass Class => Behavior.Class;

    internal ActionBehavior Behavior { get; }

    /// <summary>
    /// Says what the action costs, for tasks: beforehand, so that it is not begun where the budget does not suffice, and afterwards. Whatever is said of calls, it is one.
    /// An action that nothing is said of costs one call.
    /// </summary>
    /// <param name="estimate">What it may cost.</param>
    /// <param name="actual">What it did cost; null: what was estimated.</param>
    /// <param name="isRefundable">Its compensation takes the cost back too.</param>
    public AgentAction<TArgument, TResult> Costing(
        Func<TArgument, Charge> estimate, Func<TArgument, TResult, Charge>? actual = null, bool isRefundable = false)
    {
        ArgumentNullException.ThrowIfNull(estimate);
        Behavior.Price = new ActionPrice(
            argument => estimate((TArgument)argument!) with { Calls = 1 },
            (argument, result) => (actual is null ? estimate((TArgument)argument!) : actual((TArgument)argument!, (TResult)result!)) with { Calls = 1 },
            isRefundable);
        return this;
    }

    /// <summary>
    /// Says which capability the action's code is, where it is not in the file of the delegate: a tool elsewhere. Of an action that nothing is said of it is
    /// <c>class.action</c>, and that file (docs/capabilities.md).
    /// </summary>
    /// <param name="name">The capability's name.</param>
    /// <param name="digest">The digest of the code as it is now, 64 lower-case hexadecimal digits, asked for before each use; null where it cannot be said.</param>
    /// <exception cref="RecoveryException"><c>InvalidName</c>.</exception>
    public AgentAction<TArgument, TResult> AsCapability(string name, Func<string?> digest)
    {
        ArgumentNullException.ThrowIfNull(digest);
        Behavior.Code = new CapabilityCode(CapabilityName.Parse(name), digest);
        return this;
    }
}

/// <summary>What holds of the names of actions.</summary>
internal static class AgentAction
{
    // The runtime's own steps have such names.
    internal static void RefuseReserved(string name)
    {
        if (name.StartsWith('@'))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.InvalidName, $"The name '{name}' of an action or value begins with '@'.", "Nothing was done.", "Names that begin so are the runtime's own: choose another one.");
        }
    }
}

/// <summary>An action failed without effect. A handler may catch it; otherwise the turn fails.</summary>
public sealed class ActionFailedException : Exception
{
    /// <summary>Names the action and says why.</summary>
    public ActionFailedException(string action, string reason, Exception? inner = null)
        : base($"The action '{action}' failed: {reason}", inner) => (Action, Reason) = (action, reason);

    /// <summary>The action's registered name.</summary>
    public string Action { get; }

    /// <summary>Why: what the journal keeps.</summary>
    public string Reason { get; }

    /// <summary>What a task is charged for it all the same, as by a model that answered too late; null: one call. Whatever is said of calls, it is one.</summary>
    public Charge? Spent { get; init; }
}
