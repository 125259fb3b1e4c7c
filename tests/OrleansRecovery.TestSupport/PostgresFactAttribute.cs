namespace OrleansRecovery.TestSupport;

/// <summary>A test that needs PostgreSQL: skipped, and said so, where it is not installed. OR_REQUIRE_POSTGRES=1 makes that a failure.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = PostgresServer.MissingReason;
}

/// <summary>A test that needs PostgreSQL and more time than the test command has: run by <c>nightly.sh</c>, which sets OR_LONG=1, and skipped otherwise.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongPostgresFactAttribute : FactAttribute
{
    public LongPostgresFactAttribute() => Skip =
        PostgresServer.MissingReason ?? (Environment.GetEnvironmentVariable("OR_LONG") == "1" ? null : "It takes minutes: ./nightly.sh runs it, or OR_LONG=1.");
}
