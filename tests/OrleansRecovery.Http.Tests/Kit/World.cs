namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>The file that stands for the world outside, which the agents of the samples change.</summary>
internal static class World
{
    /// <summary>Waits for the world to be so.</summary>
    public static async Task<IReadOnlyList<string>> UntilAsync(string folder, Func<IReadOnlyList<string>, bool> isSo)
    {
        var path = Path.Combine(folder, "world");
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var looks = 0; ; looks++)
        {
            IReadOnlyList<string> lines = File.Exists(path) ? await File.ReadAllLinesAsync(path) : [];
            if (isSo(lines))
            {
                return lines;
            }

            Assert.True(looks < 600, $"The world is:\n{string.Join('\n', lines)}\n{string.Join('\n', Directory.GetFiles(folder, "*.log").Select(File.ReadAllText))}");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>What was done and not undone. A line is such as <c>do room acme/trip/hotel#3/do</c>.</summary>
    public static List<string> Standing(IReadOnlyList<string> world)
    {
        var undone = world.Where(line => line.StartsWith("undo", StringComparison.Ordinal)).Select(ActionOf).ToHashSet(StringComparer.Ordinal);
        return [.. world.Where(line => line.StartsWith("do", StringComparison.Ordinal)).Where(line => !undone.Contains(ActionOf(line)))];
    }

    private static string ActionOf(string line) => line.Split(' ')[^1].Split('/')[2];

    /// <summary>Who did it.</summary>
    public static string AgentOf(string line) => ActionOf(line).Split('#')[0];
}
