using System.Globalization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Models;

/// <summary>
/// A model as an action of an agent: it passes the gate of a task, is charged beforehand by an estimate and settled by what the provider says it used, and is a recorded
/// result that re-execution and <c>replay-journal</c> are given again, without a call.
/// </summary>
public static class ModelExtensions
{
    /// <summary>Declares it.</summary>
    /// <param name="agent">Where agents declare what they do.</param>
    /// <param name="name">The action's name: contracts allow it by this.</param>
    /// <param name="models">Who is asked.</param>
    public static AgentAction<ModelRequest, ModelAnswer> Model<TState>(this AgentDefinition<TState> agent, string name, ModelRouter models)
        where TState : class, new()
    {
        ArgumentNullException.ThrowIfNull(agent);
        ArgumentNullException.ThrowIfNull(models);
        return agent.Pure<ModelRequest, ModelAnswer>(name, (request, action) => models.AskAsync(name, request, action.CancellationToken))
            .Costing(models.EstimateOf, (_, answer) => answer.Spent);
    }

    /// <summary>Asks a model.</summary>
    /// <exception cref="ModelException">Nobody answered (<c>ModelUnavailable</c>), or a provider refused the question (<c>ModelRefused</c>). Recorded, as an answer is.</exception>
    /// <exception cref="StepRefusedException">The task's gate did not let it pass, as when the budget does not suffice.</exception>
    public static async Task<ModelAnswer> ChatAsync<TState>(this AgentContext<TState> context, AgentAction<ModelRequest, ModelAnswer> model, ModelRequest request)
        where TState : class, new()
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(request);
        try
        {
            return await context.ActAsync(model, request with { Deadline = context.CurrentTask?.Deadline });
        }
        catch (ActionFailedException failed)
        {
            throw new ModelException(failed);
        }
    }
}

/// <summary>A model gave no answer. A handler may catch it, and escalate or go on without; otherwise the turn fails.</summary>
public sealed class ModelException : Exception
{
    internal ModelException(ActionFailedException failed)
        : base(failed.Reason, failed) => Code = CodeOf(failed.Reason);

    /// <summary>Which error it is; the message has its cause, impact and next step.</summary>
    public RecoveryErrorCode Code { get; }

    // The reason is what the journal keeps: the same in a replay.
    private static RecoveryErrorCode CodeOf(string reason) =>
        reason.Length > 7 && reason.StartsWith("REC", StringComparison.Ordinal) && int.TryParse(reason.AsSpan(3, 4), NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            ? (RecoveryErrorCode)code
            : RecoveryErrorCode.ModelUnavailable;
}
