using System.Runtime.CompilerServices;
using System.Threading.Channels;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Client;

/// <content>Following: by the failure stream where there is one, and by asking, since a notice may be lost.</content>
public sealed partial class ClusterRecoveryClient
{
    private const int UnreadMax = 1024;
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan AskBesideStreamInterval = TimeSpan.FromSeconds(2);

    /// <summary>
    /// What happens to recoveries of the execution, until cancelled; first, where those stand that there are. An outcome is never missed; a step on the way to it
    /// may be.
    /// </summary>
    public async IAsyncEnumerable<RecoveryProgress> WatchAsync(
        ExecutionAddress execution, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateBounded<ExecutionProgress>(new BoundedChannelOptions(UnreadMax) { FullMode = BoundedChannelFullMode.DropOldest });
        var hasStream = _streams is { AreOn: true };
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var following = hasStream ? await _streams!.FollowAsync(execution, progress => channel.Writer.TryWrite(progress)) : null;
        var asking = KeepAskingAsync(execution, hasStream ? AskBesideStreamInterval : AskInterval, channel.Writer, stopping.Token);
        var seen = new Dictionary<RecoveryId, (SequenceNumber Version, RecoveryProgress Progress)>();
        try
        {
            await foreach (var progress in channel.Reader.ReadAllAsync(cancellationToken))
            {
                foreach (var recovery in progress.Recoveries.Where(recovery => IsNews(seen, progress.Version, recovery)))
                {
                    yield return recovery;
                }
            }
        }
        finally
        {
            await stopping.CancelAsync();
            await asking;
        }
    }

    // What comes late or twice is no news.
    private static bool IsNews(
        Dictionary<RecoveryId, (SequenceNumber Version, RecoveryProgress Progress)> seen, SequenceNumber version, RecoveryProgress recovery)
    {
        var known = seen.TryGetValue(recovery.Recovery, out var last);
        if (known && version <= last.Version)
        {
            return false;
        }

        seen[recovery.Recovery] = (version, recovery);
        return !known || recovery != last.Progress;
    }

    private async Task KeepAskingAsync(ExecutionAddress execution, TimeSpan interval, ChannelWriter<ExecutionProgress> found, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                found.TryWrite(await AskAsync(() => Of(execution).ProgressAsync(), cancellationToken));
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
#pragma warning disable CA1031 // It goes to whoever reads.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            found.TryComplete(failure);
        }
    }
}
