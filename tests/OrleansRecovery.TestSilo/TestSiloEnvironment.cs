namespace OrleansRecovery.TestSilo;

/// <summary>What a test tells its silos, beside the settings that users have.</summary>
public static class TestSiloEnvironment
{
    /// <summary>The connection string of the world's database.</summary>
    public const string World = "TEST_WORLD";

    /// <summary>The file that says at which write the silo dies, once it is there: <c>3 after</c>.</summary>
    public const string Death = "TEST_DEATH";
}
