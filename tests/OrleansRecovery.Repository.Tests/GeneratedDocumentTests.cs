namespace OrleansRecovery.Repository.Tests;

/// <summary>Documents that are written by a program are what the program writes today.</summary>
public sealed class GeneratedDocumentTests
{
    [Fact]
    public void The_state_tables_are_those_of_the_machines() => AssertCurrent("docs/state-tables.md", StateTables.Write());

    [Fact]
    public void The_list_of_spans_and_metrics_is_that_of_the_product() => AssertCurrent("docs/telemetry.md", TelemetryDocument.Write());

    private static void AssertCurrent(string file, string text)
    {
        var path = Repository.FullPath(file);
        if (Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1")
        {
            File.WriteAllText(path, text);
        }

        Assert.True(File.Exists(path), $"{file} is missing: run these tests with UPDATE_GENERATED=1.");
        Assert.Equal(text, File.ReadAllText(path).ReplaceLineEndings("\n"));
    }
}
