namespace OrleansRecovery.Runtime.Hosting;

/// <summary>Tells whoever waits that something has changed, and that it is time to look again. Costs nothing while nobody waits. Safe for concurrent callers.</summary>
/// <param name="scheduler">Where those who wait go on.</param>
internal sealed class Pulse(TaskScheduler scheduler)
{
    private TaskCompletionSource? _next;

    /// <summary>Completes with the next change. It is to be taken before one looks, so that no change is missed in between.</summary>
    public Task Next
    {
        get
        {
            if (Volatile.Read(ref _next) is { } waiting)
            {
                return waiting.Task;
            }

            var fresh = new TaskCompletionSource();
            return (Interlocked.CompareExchange(ref _next, fresh, null) ?? fresh).Task;
        }
    }

    /// <summary>Something has changed.</summary>
    public void Beat()
    {
        if (Interlocked.Exchange(ref _next, null) is { } waiting)
        {
            scheduler.Wake(waiting);
        }
    }
}
