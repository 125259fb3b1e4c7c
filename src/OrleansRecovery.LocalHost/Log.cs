using Microsoft.Extensions.Logging;

namespace OrleansRecovery.LocalHost;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "{Execution}: a request in the inbox was refused: {Problem}")]
    internal static partial void RequestRefused(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The inboxes cannot be read now, and will be again: {Problem}")]
    internal static partial void InboxesUnread(this ILogger logger, string problem);
}
