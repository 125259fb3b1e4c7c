using System.Diagnostics;

namespace OrleansRecovery.Fuzz;

/// <summary>What <c>./fuzz.sh</c> does.</summary>
internal static class Commands
{
    public static async Task<int> RunAsync(int inputs, int from, string? only)
    {
        var began = Stopwatch.GetTimestamp();
        await using var run = new FuzzRun(from, only);
        await run.ReplayAsync();
        for (var done = 0; done < inputs; done++)
        {
            await run.NextAsync();
            if ((done + 1) % 50_000 == 0)
            {
                Console.WriteLine($"{done + 1} inputs, {run.Outcomes.Count} kinds of outcomes, {run.Findings.Count} findings, {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s");
            }
        }

        foreach (var target in run.Counts.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"{target.Key,-24}{target.Value.Total,10} inputs{target.Value.Accepted,10} accepted{run.Outcomes.Count(outcome => outcome.StartsWith(target.Key + " ", StringComparison.Ordinal)),6} kinds of outcomes");
        }

        foreach (var finding in run.Findings.Take(20))
        {
            Console.WriteLine($"FOUND {finding.What}\n  {finding.AsLine()}");
        }

        Console.WriteLine($"{inputs} inputs from seed {from}: {run.Findings.Count} findings, {run.Outcomes.Count} kinds of outcomes, {run.MemoryGrowth / 1_048_576} MiB more, {Stopwatch.GetElapsedTime(began).TotalSeconds:F0} s");
        return run.Findings.Count == 0 ? 0 : 1;
    }

    public static int Explain()
    {
        Console.WriteLine("--inputs N [--from SEED] [--only TARGET]   N inputs to every parser and every HTTP endpoint; a finding is printed as a line for Corpus/findings.jsonl");
        return 2;
    }
}
