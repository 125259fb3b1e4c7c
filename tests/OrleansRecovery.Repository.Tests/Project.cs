using System.Xml.Linq;

namespace OrleansRecovery.Repository.Tests;

/// <summary>What a project file says about others.</summary>
internal sealed record Project(string File, IReadOnlyList<string> References, IReadOnlyList<string> Packages)
{
    /// <summary>The project's name without what all have in common: <c>Protocol</c>, <c>Protocol.Tests</c>.</summary>
    public string Name { get; } = ShortName(File);

    public bool IsProduct => Repository.IsUnder(File, "src/");

    public bool IsSample => Repository.IsUnder(File, "samples/");

    public static IReadOnlyList<Project> All { get; } =
        [.. Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)).Select(Load)];

    private static Project Load(string file)
    {
        var xml = XDocument.Load(Repository.FullPath(file));
        return new Project(file, Includes("ProjectReference").Select(ShortName).ToList(), Includes("PackageReference"));

        List<string> Includes(string element) =>
            [.. xml.Descendants(element).Where(item => item.Attribute("ReferenceOutputAssembly")?.Value != "false").Select(item => item.Attribute("Include")?.Value).OfType<string>()];
    }

    private static string ShortName(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path.Replace('\\', '/'));
        return name.StartsWith("OrleansRecovery.", StringComparison.Ordinal) ? name["OrleansRecovery.".Length..] : name;
    }
}
