using System.Globalization;
using OrleansRecovery.TestSupport.Models;
using Xunit.Abstractions;

namespace OrleansRecovery.Models.Tests;

/// <summary>The models of the protocol keep its invariants, in the scope of the test command (tests/models/README.md has the larger ones).</summary>
public sealed class ModelCheckTests(ITestOutputHelper output)
{
    [Fact]
    public async Task No_schedule_of_the_P_model_breaks_an_invariant()
    {
        var rows = await RowsAsync("p", row => row.Length > 7 && row[1] == "schedules,");

        Assert.True(rows.Sum(row => Number(row[0])) >= 100, "Too few schedules.");
        Assert.All(rows, row => Assert.Equal("0 bugs:", $"{row[6]} {row[7]}"));
    }

    [Fact]
    public async Task No_state_of_the_Promela_model_breaks_an_invariant()
    {
        var rows = await RowsAsync("spin", row => row[0] is "safety" or "liveness");

        Assert.Equal(["safety", "liveness"], rows.Select(row => row[0]));
        Assert.All(rows, row => Assert.Equal("0", row[^1]));
        Assert.True(rows.Sum(row => Number(row[^4])) >= 500_000, "Too few states.");
    }

    private async Task<List<string[]>> RowsAsync(string model, Predicate<string[]> isRow)
    {
        var (status, said) = await ModelCheck.RunAsync(model);
        output.WriteLine(said);
        Assert.True(status == 0, said);
        return [.. said.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(row => row.Length > 0 && isRow(row))];
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
