namespace OrleansRecovery.Repository.Tests;

/// <summary>Documents that are written by a program are what the program writes today.</summary>
public sealed class GeneratedDocumentTests
{
    [Fact]
    public void The_state_tables_are_those_of_the_machines() => Generated.AssertCurrent("docs/state-tables.md", StateTables.Write());

    [Fact]
    public void The_list_of_spans_and_metrics_is_that_of_the_product() => Generated.AssertCurrent("docs/telemetry.md", TelemetryDocument.Write());
}
