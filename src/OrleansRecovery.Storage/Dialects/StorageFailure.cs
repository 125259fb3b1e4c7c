using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>What the journal was about when the database failed: it decides what may be durable.</summary>
internal enum StorageMoment
{
    /// <summary>Opening, or bringing the schema up to date.</summary>
    Opening,

    /// <summary>Reading.</summary>
    Reading,

    /// <summary>In a transaction, before its commit was asked for: nothing of it is durable.</summary>
    Writing,

    /// <summary>The commit was asked for, and its answer is missing or unclear.</summary>
    Committing,
}

/// <summary>What can be done with appends whose transaction failed.</summary>
internal enum StorageRemedy
{
    /// <summary>Nothing: the callers are told.</summary>
    None,

    /// <summary>Nothing is durable, and the same may succeed now: processes stood in each other's way.</summary>
    Again,

    /// <summary>Nothing is durable, and the connection is lost: if it had been used before, it may have been lost unnoticed, and another may do.</summary>
    Reconnect,

    /// <summary>Nothing is durable, and one append may be at fault: each by itself.</summary>
    Apart,
}

/// <summary>A database's error, read.</summary>
/// <param name="Code">The code for the user.</param>
/// <param name="Cause">What the database says; without secrets.</param>
/// <param name="Remedy">What to do with appends whose transaction it ended.</param>
internal sealed record StorageFailure(RecoveryErrorCode Code, string Cause, StorageRemedy Remedy = StorageRemedy.None);
