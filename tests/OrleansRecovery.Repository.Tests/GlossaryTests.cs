using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OrleansRecovery.Repository.Tests;

/// <summary>One word for one thing: docs/glossary.md against the identifiers of the products.</summary>
public sealed partial class GlossaryTests
{
    private const string Glossary = "docs/glossary.md";

    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly IReadOnlyList<string[]> Terms = Table("## Terms");

    private static IReadOnlyList<Type> Types { get; } = [.. Repository.ProductAssemblies.SelectMany(assembly => assembly.GetTypes()).Where(IsOurs)];

    [Fact]
    public void Every_type_of_the_glossary_exists()
    {
        var names = Types.Select(type => ShortName(type.Name)).ToHashSet(StringComparer.Ordinal);

        Assert.NotEmpty(Terms);
        Repository.AssertNone(
            from term in Terms
            from name in Quoted(term[4])
            where !name.Split('.').All(part => names.Contains(part) || IsMember(name, part))
            select $"{term[0]}: {name}",
            "The glossary names a type that the code does not have.");
    }

    [Fact]
    public void Every_json_member_of_the_glossary_exists()
    {
        var members = Types.SelectMany(type => type.GetProperties(All))
            .Select(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name))
            .ToHashSet(StringComparer.Ordinal);

        Repository.AssertNone(
            from term in Terms
            from name in Quoted(term[5])
            where !members.Contains(name)
            select $"{term[0]}: {name}",
            "The glossary names a member that no message and no record has.");
    }

    [Fact]
    public void Every_word_of_the_command_line_in_the_glossary_is_one_that_it_takes()
    {
        var commandLine = string.Concat(Repository.ProductSources.Where(file => Repository.IsUnder(file, "src/OrleansRecovery.Cli/")).Select(Repository.Read));

        Repository.AssertNone(
            from term in Terms
            from word in Quoted(term[6])
            where !commandLine.Contains($"\"{word}\"", StringComparison.Ordinal)
            select $"{term[0]}: {word}",
            "The glossary names a command or an option that the command line does not have.");
    }

    [Fact]
    public void No_identifier_has_a_word_that_the_glossary_forbids()
    {
        var forbidden = Table("## Words that we never use").Select(row => Quoted(row[0]).Single()).ToHashSet(StringComparer.OrdinalIgnoreCase);

        Assert.NotEmpty(forbidden);
        Repository.AssertNone(
            from type in Types.Where(type => type.Namespace?.Contains(".Import", StringComparison.Ordinal) is not true)
            from identifier in IdentifiersOf(type)
            from word in WordsOf(identifier)
            where forbidden.Contains(word)
            select $"{type.FullName}: {identifier} ({word})",
            "Use the glossary's word. Only an importer speaks the language of what it imports.");
    }

    [Fact]
    public void No_type_ends_in_a_word_that_says_nothing()
    {
        var endings = Table("## Endings that say nothing").Select(row => Quoted(row[0]).Single()).ToList();

        Assert.NotEmpty(endings);
        Repository.AssertNone(
            from type in Types
            from ending in endings
            where WordsOf(ShortName(type.Name)).LastOrDefault() == ending
            select type.FullName,
            "Say what the type is.");
    }

    private static bool IsOurs(Type type) =>
        type.Namespace?.StartsWith("OrleansRecovery", StringComparison.Ordinal) is true
        && !type.FullName!.Contains('<', StringComparison.Ordinal)
        && type.GetCustomAttribute<System.CodeDom.Compiler.GeneratedCodeAttribute>() is null
        && !typeof(System.Text.Json.Serialization.JsonSerializerContext).IsAssignableFrom(type);

    private static bool IsMember(string name, string part) =>
        name.Contains('.', StringComparison.Ordinal) && Types.Any(type => type.GetMember(part, All).Length > 0);

    private static IEnumerable<string> IdentifiersOf(Type type) =>
        type.GetMembers(All)
            .Where(member => !member.Name.Contains('<', StringComparison.Ordinal))
            .SelectMany(member => member is MethodBase method
                ? method.GetParameters().Select(parameter => parameter.Name ?? "").Append(method.Name)
                : [member.Name])
            .Append(ShortName(type.Name))
            .Distinct(StringComparer.Ordinal);

    private static string ShortName(string name) => name.Split('`')[0];

    private static IEnumerable<string> WordsOf(string identifier) => Word().Matches(identifier).Select(match => match.Value);

    private static IEnumerable<string> Quoted(string cell) => Code().Matches(cell).Select(match => match.Groups["text"].Value);

    // The rows of the first table below a heading, without its head.
    private static List<string[]> Table(string heading) =>
    [
        .. Repository.ReadLines(Glossary)
            .SkipWhile(line => line != heading)
            .SkipWhile(line => !line.StartsWith('|'))
            .TakeWhile(line => line.StartsWith('|'))
            .Skip(2)
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries)),
    ];

    [GeneratedRegex("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")]
    private static partial Regex Word();

    [GeneratedRegex("`(?<text>[^`]+)`", RegexOptions.ExplicitCapture)]
    private static partial Regex Code();
}
