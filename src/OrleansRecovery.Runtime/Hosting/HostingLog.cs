using Microsoft.Extensions.Logging;

namespace OrleansRecovery.Runtime.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "Agent {Agent} of {Execution} cannot go on: {Problem}")]
    internal static partial void AgentStuck(this ILogger logger, string agent, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "The foreign agent {Agent} of {Execution} refused a message, which is not sent again unchanged: {Message}")]
    internal static partial void ForeignAgentRefused(this ILogger logger, string agent, string execution, string message);

    [LoggerMessage(Level = LogLevel.Error, Message = "The logs of {Execution} could not be written; they are read again: {Problem}")]
    internal static partial void LogWriteFailed(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What {Execution} needs no more could not be deleted; it is tried again: {Problem}")]
    internal static partial void NotCollected(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The logs of {Execution} could not be read: {Problem}")]
    internal static partial void LogReadFailed(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Subject}: {Input} is illegal (row {Row}) and was refused")]
    internal static partial void IllegalInput(this ILogger logger, string subject, string input, string row);

    [LoggerMessage(Level = LogLevel.Information, Message = "Recovery {Recovery} answers the signal of {Issuer} that {Suspect} cannot be trusted: {Reason}")]
    internal static partial void Signalled(this ILogger logger, string recovery, string suspect, string issuer, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Recovery {Recovery} goes on with epoch {Epoch}")]
    internal static partial void Resumed(this ILogger logger, string recovery, long epoch);

    [LoggerMessage(Level = LogLevel.Information, Message = "Recovery {Recovery} is decided: {Agents} agents and {Intervals} intervals fall")]
    internal static partial void Decided(this ILogger logger, string recovery, int agents, int intervals);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Recovery {Recovery} waits for an operator: {WaitsFor}")]
    internal static partial void Escalated(this ILogger logger, string recovery, string waitsFor);

    [LoggerMessage(Level = LogLevel.Information, Message = "Recovery {Recovery} ended as {Outcome}, with a residue of {Residue}")]
    internal static partial void Ended(this ILogger logger, string recovery, string outcome, int residue);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The compensation of {Action} failed after {Attempts} attempts: {Problem}")]
    internal static partial void CompensationFailed(this ILogger logger, string action, int attempts, string? problem);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Agent {Agent} of {Execution} quiesces: recovery {Recovery} was signalled")]
    internal static partial void AgentQuiesces(this ILogger logger, string agent, string execution, string recovery);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The ledger cannot be told of {Execution} yet: {Problem}")]
    internal static partial void LedgerWaits(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "Another coordinator leads {Execution} by now: this one stops")]
    internal static partial void Overtaken(this ILogger logger, string execution);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The coordinator did not answer, and is asked again: {Problem}")]
    internal static partial void AskedAgain(this ILogger logger, string problem);
}
