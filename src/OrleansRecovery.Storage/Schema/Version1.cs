namespace OrleansRecovery.Storage.Schema;

/// <summary>Streams, their records, and the snapshots beside them.</summary>
internal static class Version1
{
    public static Migration Migration { get; } = new(1, dialect => $"""
        CREATE TABLE streams (
            id {dialect.Types.Key},
            kind SMALLINT NOT NULL,
            tenant {dialect.Types.Text} NOT NULL,
            execution {dialect.Types.Text} NOT NULL,
            name {dialect.Types.Text} NOT NULL,
            version BIGINT NOT NULL);
        CREATE UNIQUE INDEX streams_by_name ON streams (kind, tenant, execution, name);
        CREATE TABLE records (
            stream BIGINT NOT NULL,
            position BIGINT NOT NULL,
            body {dialect.Types.Bytes} NOT NULL,
            PRIMARY KEY (stream, position));
        CREATE TABLE snapshots (
            stream BIGINT NOT NULL,
            position BIGINT NOT NULL,
            digest TEXT NOT NULL,
            body {dialect.Types.Bytes} NOT NULL,
            PRIMARY KEY (stream, position));
        """);
}
