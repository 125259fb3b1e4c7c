using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace OrleansRecovery.Repository.Tests;

/// <summary>What the doc comments of the Protocol say, on one line.</summary>
internal static partial class Summaries
{
    private static readonly XDocument Documentation = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "OrleansRecovery.Protocol.xml"));

    /// <summary>The summary of an enum's value.</summary>
    public static string Of<TEnum>(TEnum value)
        where TEnum : struct, Enum =>
        Of($"F:{typeof(TEnum).FullName}.{value}");

    // A kind's summary only refers to its case, whose summary says what it is.
    private static string Of(string member)
    {
        var summary = Documentation.Descendants("member").Single(item => item.Attribute("name")!.Value == member).Element("summary")!;
        var references = summary.Elements("see").ToList();
        return references is [var only] && only.Attribute("cref") is { } target && summary.Value.Trim() is "." or ""
            ? Of(target.Value)
            : Space().Replace(string.Concat(summary.Nodes().Select(TextOf)), " ").Trim();
    }

    private static string TextOf(XNode node) => node switch
    {
        XText text => text.Value,
        XElement element when element.Attribute("cref") is { } target => $"`{target.Value.Split('.')[^1]}`",
        XElement element => element.Value,
        _ => "",
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
