using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage;

/// <summary>How sure a commit is on SQLite.</summary>
public enum SqliteSynchronous
{
    /// <summary>Durable against loss of power: the only value for real use.</summary>
    Full,

    /// <summary>A power loss may take back the last commits. For measurements.</summary>
    Normal,

    /// <summary>Nothing is forced to the disk. For measurements.</summary>
    Off,
}

/// <summary>Settings of a journal.</summary>
public sealed record JournalOptions
{
    /// <summary>Most appends that one transaction takes. Range 1 to 100,000; default 1,024.</summary>
    public int BatchAppendCountMax { get; init; } = 1_024;

    /// <summary>Most bytes that one transaction takes, before it stops taking more appends. Range 1 to 1 GiB; default 32 MiB.</summary>
    public long BatchBytesMax { get; init; } = 32L * 1024 * 1024;

    /// <summary>SQLite only: how sure a commit is. Default: full.</summary>
    public SqliteSynchronous Synchronous { get; init; } = SqliteSynchronous.Full;

    /// <summary>SQLite only: the most pages that the file may have, 0 for no limit. Default 0.</summary>
    public long PageCountMax { get; init; }

    /// <summary>PostgreSQL only: the schema that holds the tables. Lower-case letters, digits and _; default <c>orleans_recovery</c>.</summary>
    public string PostgresSchema { get; init; } = "orleans_recovery";

    /// <summary>Each transaction takes one append: no group commit. For measurements.</summary>
    public JournalOptions WithoutGroupCommit() => this with { BatchAppendCountMax = 1 };

    internal JournalOptions Validated()
    {
        Check(BatchAppendCountMax is >= 1 and <= 100_000, nameof(BatchAppendCountMax), "1 to 100,000");
        Check(BatchBytesMax is >= 1 and <= 1L << 30, nameof(BatchBytesMax), "1 to 1 GiB");
        Check(PageCountMax is >= 0 and <= int.MaxValue, nameof(PageCountMax), "0 to 2,147,483,647");
        Check(
            PostgresSchema.Length is >= 1 and <= 48 && PostgresSchema.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_')
            && !char.IsAsciiDigit(PostgresSchema[0]),
            nameof(PostgresSchema),
            "1 to 48 lower-case letters, digits and _, beginning with no digit");
        return this;
    }

    private static void Check(bool valid, string key, string range)
    {
        if (!valid)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The journal's {key} is out of range.", "The database was not opened.", $"Set {key} to {range}.");
        }
    }
}
