namespace OrleansRecovery.Storage;

/// <summary>What a journal has done since it was opened.</summary>
/// <param name="CommitCount">Transactions committed, each one forced write.</param>
/// <param name="AppendCount">Appends that they made durable.</param>
public sealed record JournalStatistics(long CommitCount, long AppendCount);
