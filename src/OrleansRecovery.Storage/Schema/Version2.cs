namespace OrleansRecovery.Storage.Schema;

/// <summary>A checksum beside each record; records of before have none.</summary>
internal static class Version2
{
    public static Migration Migration { get; } = new(2, _ => "ALTER TABLE records ADD COLUMN sum BIGINT");
}
