namespace OrleansRecovery.Orleans.Calls;

/// <summary>
/// What an interface derives from whose grains take part in executions: calls of it become messages between agents. A grain's key is its agent's name in the
/// execution. Methods return <see cref="Task"/> or <see cref="ValueTask"/>, with a value or without; arguments and values are written as JSON.
/// </summary>
[Alias("recovery.recoverable")]
public interface IRecoverableGrain : IGrainWithStringKey;
