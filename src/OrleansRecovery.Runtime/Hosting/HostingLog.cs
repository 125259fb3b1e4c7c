using Microsoft.Extensions.Logging;

namespace OrleansRecovery.Runtime.Hosting;

internal static partial class HostingLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "Agent {Agent} of {Execution} cannot go on: {Problem}")]
    internal static partial void AgentStuck(this ILogger logger, string agent, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "The logs of {Execution} could not be written; they are read again: {Problem}")]
    internal static partial void LogWriteFailed(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Execution}: {Input} is illegal (row {Row}) and was ignored")]
    internal static partial void IllegalInput(this ILogger logger, string execution, string input, string row);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Agent {Agent} of {Execution} quiesces: recovery {Recovery} was signalled")]
    internal static partial void AgentQuiesces(this ILogger logger, string agent, string execution, string recovery);
}
