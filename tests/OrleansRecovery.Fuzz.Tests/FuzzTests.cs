using System.Globalization;

namespace OrleansRecovery.Fuzz.Tests;

/// <summary>Whatever comes from outside ends in a value or in a named error. A longer run: ./fuzz.sh --inputs 1000000.</summary>
public sealed class FuzzTests
{
    private static readonly int Inputs = Setting("OR_INPUTS", 12_000);
    private static readonly int Seed = Setting("OR_SEED", 1);

    [Fact]
    public async Task Every_input_to_a_parser_or_an_endpoint_is_taken_or_refused_with_a_named_error()
    {
        await using var run = new FuzzRun(Seed, null);
        for (var i = 0; i < Inputs; i++)
        {
            await run.NextAsync();
        }

        Assert.True(run.Findings.Count == 0, $"Seed {Seed}: {string.Join('\n', run.Findings.Select(finding => $"{finding.What}\n{finding.AsLine()}"))}");
        Assert.All(run.Counts.Values, count => Assert.True(count.Total > 0));
        Assert.True(run.Outcomes.Count > 150, $"Only {run.Outcomes.Count} kinds of outcomes: the inputs do not get far.");
    }

    [Fact]
    public async Task Good_inputs_are_taken_and_what_was_once_a_finding_is_none_any_more()
    {
        await using var run = new FuzzRun(Seed, null);

        await run.ReplayAsync();

        Assert.True(run.Findings.Count == 0, string.Join('\n', run.Findings.Select(finding => $"{finding.What}\n{finding.AsLine()}")));
        Assert.All(Parsers.All, target => Assert.True(run.Counts[target.Name].Accepted > 0, $"No good input of {target.Name} is accepted."));
    }

    [Fact]
    public async Task A_run_follows_from_its_seed()
    {
        var outcomes = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            await using var run = new FuzzRun(7, "message");
            for (var input = 0; input < 2_000; input++)
            {
                await run.NextAsync();
            }

            outcomes.Add(string.Join('\n', run.Outcomes.Order(StringComparer.Ordinal)));
        }

        Assert.Equal(outcomes[0], outcomes[1]);
    }

    private static int Setting(string name, int value) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var given) ? given : value;
}
