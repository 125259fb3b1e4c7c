using System.Globalization;
using System.Text;
using OrleansRecovery.Simulation.Storage;

namespace OrleansRecovery.Simulation;

/// <summary>
/// A process ends at every write of a story, before it, while it is on its way, and after it; and at every ordered pair of writes. Nothing else goes wrong, so
/// that what fails, fails by this.
/// </summary>
internal sealed class CrashTable
{
    private const int WritesMax = 40;
    private const int ActionsMax = 6;

    private readonly SortedDictionary<string, (int Runs, int Failed)> _rows = new(StringComparer.Ordinal);

    public List<string> Failures { get; } = [];

    public int Runs { get; private set; }

    /// <summary>All crash points of some stories of up to four agents and six actions, each under so many schedules.</summary>
    /// <param name="schedules">Schedules of each.</param>
    /// <param name="stories">How many stories.</param>
    /// <param name="pairs">Each so-manieth pair of points: pairs grow with the square of the writes.</param>
    public static CrashTable Enumerate(int schedules, int stories, int pairs)
    {
        var table = new CrashTable();
        foreach (var story in Stories().Take(stories))
        {
            var writes = new Run(1, Options(story, [])).Writes();
            var points = Enumerable.Range(1, writes).SelectMany(write => Enum.GetValues<CrashMoment>().Select(moment => (Write: write, Moment: moment))).ToList();
            table.Add(story, "none", [[]], schedules);
            table.Add(story, "one", points.ConvertAll(point => new[] { point }), schedules);
            var two = from first in points
                      from second in points
                      where first.Write < second.Write
                      select new[] { first, second };
            table.Add(story, "two", [.. two.Where((_, index) => index % pairs == 0)], schedules);
        }

        return table;
    }

    public override string ToString()
    {
        var text = new StringBuilder("story and crashes: runs, failed\n");
        foreach (var (row, (runs, failed)) in _rows)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{row}: {runs}, {failed}");
        }

        Failures.Take(20).ToList().ForEach(failure => text.AppendLine(CultureInfo.InvariantCulture, $"FAULT {failure}"));
        return text.Append(CultureInfo.InvariantCulture, $"{Runs} runs, {Failures.Count} failed").ToString();
    }

    // Stories in which something falls, small enough for every pair.
    private static IEnumerable<int> Stories() => Enumerable.Range(1, 10_000).Where(story =>
    {
        var run = new Run(1, Options(story, []));
        var result = run.Go();
        return result.Seen.Counts.ContainsKey("record RolledBack") && result.Seen.Counts.GetValueOrDefault("record CompensationSettled") > 1
            && result.Seen.Counts.GetValueOrDefault("record ActionIntended") <= ActionsMax && run.WriteCount <= WritesMax;
    });

    private static RunOptions Options(int story, IReadOnlyCollection<(int Write, CrashMoment Moment)> crashes) => new()
    {
        AgentsMax = 4,
        Workload = story,
        Crashes = crashes.ToDictionary(crash => crash.Write, crash => crash.Moment),
    };

    private void Add(int story, string what, List<(int Write, CrashMoment Moment)[]> crashes, int schedules)
    {
        var row = string.Create(CultureInfo.InvariantCulture, $"story {story}, {what}");
        Parallel.ForEach(crashes.SelectMany(_ => Enumerable.Range(1, schedules), (points, seed) => (points, seed)), Commands.AllCores, item =>
        {
            var result = new Run(item.seed, Options(story, item.points)).Go();
            lock (_rows)
            {
                Runs++;
                var (runs, failed) = _rows.GetValueOrDefault(row);
                _rows[row] = (runs + 1, failed + (result.Faults.Count > 0 ? 1 : 0));
                if (result.Faults.Count > 0)
                {
                    var where = string.Join(" and ", item.points.Select(point => $"{point.Moment} write {point.Write.ToString(CultureInfo.InvariantCulture)}"));
                    Failures.Add($"{row}, {where}, schedule {item.seed.ToString(CultureInfo.InvariantCulture)}: {result.Faults[0]}");
                }
            }
        });
    }
}
