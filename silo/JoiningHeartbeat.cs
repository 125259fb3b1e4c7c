using System.Data.Common;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace OrleansRecovery.Silo;

/// <summary>
/// A silo that joins says that it is alive, as members do. Orleans looks for members that fell silent only when it reads something new in the table of members.
/// After a crash of all silos nobody writes there but who joins: without this, silos that wait for members that died a moment ago would wait until they give
/// up themselves (<see cref="ClusterMembershipOptions.MaxJoinAttemptTime"/>). Who is dead is still decided by Orleans' rules alone: silent, and probed in vain.
/// </summary>
internal sealed class JoiningHeartbeat(IMembershipTable members, ILocalSiloDetails self, IOptions<ClusterMembershipOptions> options, TimeProvider time)
    : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly CancellationTokenSource _joined = new();
    private Task _beating = Task.CompletedTask;

    public void Participate(ISiloLifecycle lifecycle)
    {
        // Its row is there, and it has not begun to wait for others.
        lifecycle.Subscribe(nameof(JoiningHeartbeat), ServiceLifecycleStage.ValidateInitialConnectivity - 1, BeginAsync, EndAsync);
        lifecycle.Subscribe(nameof(JoiningHeartbeat), ServiceLifecycleStage.Active, EndAsync);
    }

    public void Dispose() => _joined.Dispose();

    private Task BeginAsync(CancellationToken cancellationToken)
    {
        _beating = BeatAsync();
        return Task.CompletedTask;
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        await _joined.CancelAsync();
        await _beating;
    }

    private async Task BeatAsync()
    {
        using var period = new PeriodicTimer(options.Value.IAmAliveTablePublishTimeout, time);
        try
        {
            while (await period.WaitForNextTickAsync(_joined.Token))
            {
                await SayAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // It is a member, or stops.
        }
    }

    private async Task SayAsync()
    {
        try
        {
            await members.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = self.SiloAddress, IAmAliveTime = time.GetUtcNow().UtcDateTime }, _joined.Token);
        }
        catch (DbException)
        {
            // The next time, then. Who joins reads the same database, and says what is wrong with it.
        }
    }
}
