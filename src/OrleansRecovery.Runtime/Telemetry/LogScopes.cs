using System.Collections.ObjectModel;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Telemetry;

/// <summary>What log lines are about: every line inside a scope carries it, also those of the agents' authors.</summary>
internal static class LogScopes
{
    internal static IDisposable? BeginTurn(this ILogger logger, ExecutionAddress execution, AgentId agent, MessageId message) =>
        logger.TakesNothing() ? null : logger.BeginScope(new Scope(
            $"{execution} {agent}", execution, [new(AttributeNames.Agent, agent.Text), new(AttributeNames.Message, message.ToString())]));

    internal static IDisposable? BeginRecovery(this ILogger logger, ExecutionAddress execution, RecoveryId recovery, AgentId? agent = null) =>
        logger.TakesNothing() ? null : logger.BeginScope(new Scope(
            $"{execution} {recovery}",
            execution,
            [
                new(AttributeNames.Recovery, recovery.Text),
                new(AttributeNames.Trace, RecoveryTelemetry.TraceOf(execution, recovery).ToHexString()),
                .. agent is { } known ? [new(AttributeNames.Agent, known.Text)] : Array.Empty<KeyValuePair<string, object?>>(),
            ]));

    // As the null logger: it needs no scope.
    private static bool TakesNothing(this ILogger logger) => !logger.IsEnabled(LogLevel.Critical);

    private sealed class Scope(string text, ExecutionAddress execution, IReadOnlyList<KeyValuePair<string, object?>> members)
        : ReadOnlyCollection<KeyValuePair<string, object?>>(
            [new(AttributeNames.Tenant, execution.Tenant.Text), new(AttributeNames.Execution, execution.Execution.Text), .. members])
    {
        public override string ToString() => text;
    }
}
