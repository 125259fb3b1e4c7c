using System.Xml.Linq;

namespace OrleansRecovery.Repository.Tests;

/// <summary>Who may know whom: the arrows of ARCHITECTURE.md, read from the project files.</summary>
public sealed class ProjectGraphTests
{
    private static readonly string[] Hosts = ["LocalHost", "Orleans", "Http"];

    // "samples" stands for every project under samples/.
    private static readonly Dictionary<string, string[]> AllowedReferences = new(StringComparer.Ordinal)
    {
        ["Protocol"] = [],
        ["Runtime"] = ["Protocol"],
        ["Storage"] = ["Runtime"],
        ["LocalHost"] = ["Runtime"],
        ["Orleans"] = ["Runtime"],
        ["Http"] = ["Runtime"],
        ["Ai"] = ["Runtime"],
        ["Conformance"] = ["Runtime"],
        ["Cli"] = ["LocalHost", "Storage", "Conformance", "Http", "samples"],
    };

    private static readonly Dictionary<string, string[]> AllowedPackages = new(StringComparer.Ordinal)
    {
        ["Protocol"] = [],
        ["Runtime"] = ["Polly.Core"],
        ["Storage"] = ["Dapper", "Microsoft.Data.Sqlite.Core", "Npgsql", "SQLitePCLRaw.bundle_e_sqlite3"],
        ["LocalHost"] = [],
        ["Orleans"] = ["Microsoft.Orleans.*"],
        ["Http"] = ["Microsoft.AspNetCore.OpenApi"],
        ["Ai"] = ["Microsoft.Extensions.AI.OpenAI", "ModelContextProtocol.Core"],
        ["Conformance"] = [],
        ["Cli"] = ["Spectre.Console", "System.CommandLine"],
    };

    [Fact]
    public void Every_product_project_has_its_place_in_the_graph() =>
        Repository.AssertNone(
            Project.All.Where(project => project.IsProduct && !AllowedReferences.ContainsKey(project.Name)).Select(project => project.File),
            "A new product project needs a line in ProjectGraphTests and in ARCHITECTURE.md.");

    [Fact]
    public void A_product_refers_only_to_what_its_arrows_allow() =>
        Repository.AssertNone(
            from project in Project.All.Where(project => project.IsProduct)
            from reference in project.References
            where !IsAllowed(AllowedReferences.GetValueOrDefault(project.Name, []), reference)
            select $"{project.Name} -> {reference}",
            "These references are not among the arrows of ARCHITECTURE.md.");

    [Fact]
    public void A_sample_knows_one_host_at_most() =>
        Repository.AssertNone(
            from project in Project.All.Where(project => project.IsSample)
            where project.References.Count(reference => Hosts.Contains(reference, StringComparer.Ordinal)) > 1
            select $"{project.File}: {string.Join(", ", project.References)}",
            "A sample shows one host.");

    [Fact]
    public void A_sample_does_not_reach_behind_the_programming_model() =>
        Repository.AssertNone(
            from project in Project.All.Where(project => project.IsSample)
            from reference in project.References
            where !Hosts.Append("Runtime").Append("Storage").Append("Ai").Contains(reference, StringComparer.Ordinal)
            select $"{project.File} -> {reference}",
            "A sample needs the Runtime, or a host and its storage, and what its agents use.");

    [Fact]
    public void A_product_takes_only_the_packages_that_it_is_allowed() =>
        Repository.AssertNone(
            from project in Project.All.Where(project => project.IsProduct)
            from package in project.Packages
            where !AllowedPackages.GetValueOrDefault(project.Name, []).Any(pattern => Matches(pattern, package))
            select $"{project.Name}: {package}",
            "A package of a product is a decision: a line here, and one in ARCHITECTURE.md with the reason.");

    [Fact]
    public void The_protocol_has_no_framework_but_the_base_library()
    {
        var project = XDocument.Load(Repository.FullPath("src/OrleansRecovery.Protocol/OrleansRecovery.Protocol.csproj"));

        Assert.Empty(project.Descendants("FrameworkReference"));
        Assert.Equal("Microsoft.NET.Sdk", project.Root!.Attribute("Sdk")!.Value);
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Repository.Read("OrleansRecovery.sln").Replace('\\', '/');

        Repository.AssertNone(
            Project.All.Select(project => project.File).Where(file => !solution.Contains($"\"{file}\"", StringComparison.Ordinal)),
            "These projects are built by nobody: dotnet sln add.");
    }

    [Fact]
    public void Versions_of_packages_stand_in_one_file() =>
        Repository.AssertNone(
            Project.All.Select(project => project.File).Where(file =>
                XDocument.Load(Repository.FullPath(file)).Descendants("PackageReference").Any(item => item.Attribute("Version") is not null)),
            "Move the version to Directory.Packages.props.");

    private static bool IsAllowed(string[] allowed, string reference) =>
        allowed.Contains(reference, StringComparer.Ordinal)
        || (allowed.Contains("samples", StringComparer.Ordinal) && Project.All.Any(project => project.IsSample && project.Name == reference));

    private static bool Matches(string pattern, string package) =>
        pattern.EndsWith(".*", StringComparison.Ordinal) ? package.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == package;
}
