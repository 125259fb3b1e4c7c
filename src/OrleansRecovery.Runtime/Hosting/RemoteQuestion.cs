using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>What an agent asks its coordinator in another process: that nobody answers is no failure of the agent, so it asks until somebody does.</summary>
/// <param name="time">The clock.</param>
/// <param name="logger">Where to log.</param>
public sealed class RemoteQuestion(TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan TakeOverPause = TimeSpan.FromMilliseconds(200);

    /// <summary>On what its pauses end.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Asks until there is an answer.</summary>
    /// <exception cref="RecoveryException">The answer is a refusal.</exception>
    public async Task<T> AskAsync<T>(Func<Task<T>> question, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(question);
        while (true)
        {
            try
            {
                return await question().WaitAsync(cancellationToken);
            }
#pragma warning disable CA1031 // The coordinator answers with a reply or not at all: whatever else comes is the cluster's trouble.
            catch (Exception gone) when (gone is not (RecoveryException or OperationCanceledException))
#pragma warning restore CA1031
            {
                logger.AskedAgain(gone.Message);
                await Scheduler.DelayAsync(TakeOverPause, time, cancellationToken);
            }
        }
    }
}
