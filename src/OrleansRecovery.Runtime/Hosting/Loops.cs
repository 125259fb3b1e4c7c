namespace OrleansRecovery.Runtime.Hosting;

/// <summary>What runs beside its caller, on the scheduler that a host gives: the thread pool, or a simulation's.</summary>
public static class Loops
{
    /// <summary>Starts it there.</summary>
    public static Task RunAsync(this TaskScheduler scheduler, Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();

    /// <summary>Starts it there.</summary>
    public static Task<T> RunAsync<T>(this TaskScheduler scheduler, Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();

    /// <summary>
    /// Wakes whoever waits, there. The source must not be one that runs continuations asynchronously: what stands between it and an <c>await</c>, such as a
    /// time-out, would run on the thread pool.
    /// </summary>
    public static void Wake(this TaskScheduler scheduler, TaskCompletionSource source) =>
        _ = Task.Factory.StartNew(() => source.TrySetResult(), CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler);

    /// <summary>As <c>Task.Delay</c>, which would be cancelled on the thread pool.</summary>
    public static async Task DelayAsync(this TaskScheduler scheduler, TimeSpan delay, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(time);
        cancellationToken.ThrowIfCancellationRequested();
        var over = new TaskCompletionSource();
        await using var timer = time.CreateTimer(_ => scheduler.Wake(over), null, delay, Timeout.InfiniteTimeSpan);
        await using var stopped = cancellationToken.UnsafeRegister(_ => scheduler.Wake(over), null);
        await over.Task;
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>As <c>CancellationTokenSource.CancelAsync</c>, which would run what waits for the token on the thread pool.</summary>
    public static Task CancelAsync(this TaskScheduler scheduler, CancellationTokenSource source) =>
        Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler);
}
