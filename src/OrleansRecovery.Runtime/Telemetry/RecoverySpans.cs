using System.Diagnostics;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Telemetry;

/// <summary>Begins spans; null where nobody listens.</summary>
internal static class RecoverySpans
{
    /// <summary>The span that is under way here, if it is one of ours.</summary>
    internal static Activity? Current => Activity.Current is { } current && current.Source == RecoveryTelemetry.Source ? current : null;

    /// <summary>A span of a recovery's trace, under way from here.</summary>
    internal static Activity? Start(string name, ExecutionAddress execution, RecoveryId recovery, AgentId? agent = null) =>
        Start(name, execution, recovery, default, default)?.SetTag(AttributeNames.Agent, agent?.Text);

    /// <summary>A span of a recovery's trace that began earlier.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="execution">The execution.</param>
    /// <param name="recovery">The recovery.</param>
    /// <param name="since">When it began.</param>
    /// <param name="caller">The span that it links to, in whatever trace; none where it is the default value.</param>
    internal static Activity? Start(string name, ExecutionAddress execution, RecoveryId recovery, DateTimeOffset since, ActivityContext caller)
    {
        if (!RecoveryTelemetry.Source.HasListeners())
        {
            return null;
        }

        ActivityLink[]? links = caller == default ? null : [new ActivityLink(caller)];
        return RecoveryTelemetry.Source
            .StartActivity(name, ActivityKind.Internal, RecoveryTelemetry.ParentOf(execution, recovery), links: links, startTime: since)
            ?.SetTag(AttributeNames.Tenant, execution.Tenant.Text)
            .SetTag(AttributeNames.Execution, execution.Execution.Text)
            .SetTag(AttributeNames.Recovery, recovery.Text);
    }

    /// <summary>What a participant does about a message of the coordinator. To compensate is many spans, one for each action, and none for the message.</summary>
    internal static Activity? Start(ExecutionAddress execution, ParticipantMessage message) => message.Kind switch
    {
        RecoveryMessageKind.Prepare => Start(SpanNames.Prepare, execution, message.Recovery, message.Agent),
        RecoveryMessageKind.Abort => Start(SpanNames.Abort, execution, message.Recovery, message.Agent),
        RecoveryMessageKind.Commit => Start(SpanNames.Commit, execution, message.Recovery, message.Agent),
        RecoveryMessageKind.Restore => Start(SpanNames.Restore, execution, message.Recovery, message.Agent),
        RecoveryMessageKind.Release => Start(SpanNames.Release, execution, message.Recovery, message.Agent),
        _ => null,
    };

    /// <summary>A turn: the root of a trace, which the listener's own sampler takes or leaves.</summary>
    internal static Activity? StartTurn(ExecutionAddress execution, AgentId agent, MessageId message)
    {
        if (!RecoveryTelemetry.Source.HasListeners())
        {
            return null;
        }

        Activity.Current = null;
        return RecoveryTelemetry.Source.StartActivity(SpanNames.Turn, ActivityKind.Consumer)
            ?.SetTag(AttributeNames.Tenant, execution.Tenant.Text)
            .SetTag(AttributeNames.Execution, execution.Execution.Text)
            .SetTag(AttributeNames.Agent, agent.Text)
            .SetTag(AttributeNames.Message, message.ToString());
    }

    /// <summary>An action, inside its turn.</summary>
    internal static Activity? StartAction(ActionId action, string name, ActionClass actionClass) =>
        RecoveryTelemetry.Source.StartActivity(SpanNames.Action, ActivityKind.Client)
            ?.SetTag(AttributeNames.Action, action.ToString())
            .SetTag(AttributeNames.ActionName, name)
            .SetTag(AttributeNames.ActionClass, WireNames.Of(actionClass));

    /// <summary>What a participant answered.</summary>
    internal static void Answered(ParticipantMessage message)
    {
        if (message is Vote vote && Current is { } span)
        {
            span.SetTag(AttributeNames.Vote, WireNames.Of(vote.Answer)).SetTag(AttributeNames.Incarnation, vote.Incarnation.Number);
            if (vote.Answer is VoteKind.Ready or VoteKind.Refused)
            {
                span.SetTag(AttributeNames.Interval, vote.Target.Number);
            }
        }
    }

    /// <summary>It failed.</summary>
    internal static void Failed(this Activity? span, Exception failure) =>
        span?.SetStatus(ActivityStatusCode.Error, failure.Message).SetTag(AttributeNames.Error, ErrorOf(failure));

    internal static string ErrorOf(Exception failure) => failure is RecoveryException known ? known.Error.Id : failure.GetType().Name;
}
