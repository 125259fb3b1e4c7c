namespace OrleansRecovery.TestSupport;

/// <summary>A test that needs PostgreSQL: skipped, and said so, where it is not installed. OR_REQUIRE_POSTGRES=1 makes that a failure.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = PostgresServer.MissingReason;
}
