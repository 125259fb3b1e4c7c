using System.Globalization;
using System.Text.RegularExpressions;

namespace OrleansRecovery.Repository.Tests;

/// <summary>The page of requirements promises code and tests: they are there, and no clause is missing or there twice.</summary>
public sealed partial class RequirementTests
{
    private const string Page = "docs/requirements.md";

    private static readonly string[] Kinds = ["done", "partly", "not yet"];

    private static readonly string[] Lines = Repository.ReadLines(Page);

    private static List<Clause> Clauses { get; } = [.. Lines.Select(line => Row().Match(line)).Where(row => row.Success).Select(row => new Clause(
        row.Groups["id"].Value, row.Groups["where"].Value, row.Groups["shown"].Value, row.Groups["status"].Value))];

    private static Dictionary<string, string> Links { get; } =
        Lines.Select(line => Definition().Match(line)).Where(link => link.Success).ToDictionary(link => link.Groups["name"].Value, link => link.Groups["file"].Value, StringComparer.Ordinal);

    [Fact]
    public void Every_clause_of_a_headings_range_is_there_once_and_in_order() =>
        Assert.Equal(Lines.Select(line => Heading().Match(line)).Where(heading => heading.Success).SelectMany(Expand), Clauses.Select(clause => clause.Id));

    [Fact]
    public void No_heading_counts_a_clause_twice()
    {
        var ranges = Lines.Select(line => Heading().Match(line)).Where(heading => heading.Success).SelectMany(Expand).ToList();

        Assert.InRange(ranges.Count, 200, 400);
        Assert.Equal(ranges.Count, ranges.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Every_clause_says_where_it_is_and_what_shows_it() =>
        Repository.AssertNone(from clause in Clauses let fault = FaultOf(clause) where fault is not null select $"{clause.Id}: {fault}", $"{Page}: what is claimed has code and a test; what is missing, a reason.");

    [Fact]
    public void Every_name_of_code_leads_to_the_file_that_declares_it() =>
        Repository.AssertNone(
            Links.Where(link => !Leads(link.Key, link.Value)).Select(link => $"{link.Key}: {link.Value}")
                .Concat(Clauses.SelectMany(clause => NamesIn(clause.Where)).Where(name => !Links.ContainsKey(name)).Select(name => $"{name}: no link"))
                .Concat(Links.Keys.Except(Clauses.SelectMany(clause => NamesIn($"{clause.Where}{clause.Status}"))).Select(name => $"{name}: nobody names it")),
            $"{Page}: a link that leads nowhere.");

    [Fact]
    public void Every_test_that_is_named_exists() =>
        Repository.AssertNone(
            from clause in Clauses from Match test in Test().Matches(clause.Shown) where !TestMethods.All.Contains(test.Groups["name"].Value) select $"{clause.Id}: {test.Groups["name"].Value}",
            $"{Page} names a test that does not exist.");

    [Fact]
    public void The_sums_are_those_of_the_tables()
    {
        var written = Lines.Select(line => Sum().Match(line)).Where(sum => sum.Success)
            .Select(sum => (sum.Groups["document"].Value[..1], string.Join(' ', sum.Groups["count"].Captures.Select(count => count.Value))));
        var counted = Clauses.GroupBy(clause => DocumentOf(clause.Id))
            .Select(document => (document.Key, string.Join(' ', Kinds.Select(kind => document.Count(clause => clause.Kind == kind)).Prepend(document.Count()))));

        Assert.Equal(counted, written);
    }

    [Theory]
    [InlineData("", "", "done", "no code")]
    [InlineData("[Gate]", "", "done", "no test")]
    [InlineData("[Gate]", "`A.B`", "partly", "no reason")]
    [InlineData("", "`A.B`", "partly: half", "no code")]
    [InlineData("", "", "not yet", "no reason")]
    [InlineData("", "", "perhaps: x", "no status")]
    [InlineData("[Gate]", "`A.B`", "done", null)]
    [InlineData("", "", "not yet: why", null)]
    public void A_claim_without_code_test_or_reason_is_found(string where, string shown, string status, string? fault) =>
        Assert.Equal(fault, FaultOf(new Clause("P1.1", where, shown, status)));

    private static string? FaultOf(Clause clause) =>
        !Kinds.Contains(clause.Kind, StringComparer.Ordinal) ? "no status"
        : clause.Kind != "done" && clause.Status.Length <= clause.Kind.Length + 2 ? "no reason"
        : clause.Kind == "not yet" ? null
        : !NamesIn(clause.Where).Any() ? "no code"
        : !Test().IsMatch(clause.Shown) ? "no test"
        : null;

    private static bool Leads(string name, string file)
    {
        var path = Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, "docs", file))).Replace('\\', '/');
        return Repository.Files.Contains(path) && (!Repository.IsSource(path)
            || Regex.IsMatch(Repository.Read(path), $@"^[\w ]*\b(class|record|struct|interface|enum) {Regex.Escape(name)}\b", RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(10)));
    }

    // "P6.1.1 to P6.1.4" are four.
    private static IEnumerable<string> Expand(Match heading)
    {
        Assert.Equal(heading.Groups["section"].Value, heading.Groups["same"].Value);
        var (first, last) = (int.Parse(heading.Groups["first"].Value, CultureInfo.InvariantCulture), int.Parse(heading.Groups["last"].Value, CultureInfo.InvariantCulture));
        return Enumerable.Range(first, last - first + 1).Select(number => string.Create(CultureInfo.InvariantCulture, $"{heading.Groups["section"].Value}{number}"));
    }

    // The sums name the documents by their titles, clauses by a letter.
    private static string DocumentOf(string clause) => clause[0] == 'B' ? "R" : clause[..1];

    private static IEnumerable<string> NamesIn(string text) => Name().Matches(text).Select(name => name.Groups["name"].Value);

    private sealed record Clause(string Id, string Where, string Shown, string Status)
    {
        public string Kind => Status.Split(':')[0];
    }

    [GeneratedRegex(@"^### (?<section>[PBF][\d.]*\.)(?<first>\d+) to (?<same>[PBF][\d.]*\.)(?<last>\d+): ", RegexOptions.ExplicitCapture)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\| (?<id>[PBF]\d[\d.]*) \| [^|]+ \|(?<where>[^|]*)\|(?<shown>[^|]*)\| (?<status>[^|]+) \|$", RegexOptions.ExplicitCapture)]
    private static partial Regex Row();

    [GeneratedRegex(@"^\[(?<name>[^\]]+)\]: (?<file>\S+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Definition();

    [GeneratedRegex(@"\[(?<name>[^\]]+)\]", RegexOptions.ExplicitCapture)]
    private static partial Regex Name();

    [GeneratedRegex(@"`(?<name>\w+\.\w+)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Test();

    [GeneratedRegex(@"^\| (?<document>[A-Z][\w -]+) \| ((?<count>\d+) \| ?){4}$", RegexOptions.ExplicitCapture)]
    private static partial Regex Sum();
}
