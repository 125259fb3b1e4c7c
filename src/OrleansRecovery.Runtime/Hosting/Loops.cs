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

    /// <summary>As <see cref="CancellationTokenSource.CancelAsync"/>, which would run what waits for the token on the thread pool.</summary>
    public static Task CancelAsync(this TaskScheduler scheduler, CancellationTokenSource source) =>
        Task.Factory.StartNew(source.Cancel, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler);
}
