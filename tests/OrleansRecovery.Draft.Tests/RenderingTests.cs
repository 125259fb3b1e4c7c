using System.Diagnostics;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests;

/// <summary>The script that renders: the same bytes each time, and none of a draft in which something is wrong.</summary>
public sealed class RenderingTests : IDisposable
{
    private const string Sample =
        """
        ---
        title: A Sample
        docname: draft-example-recovery-sample-00
        category: exp
        submissiontype: IETF
        ipr: trust200902
        date: 2026-11-20
        v: 3
        stand_alone: yes
        pi: [toc, sortrefs, symrefs]
        author:
         - fullname: Alex Example
           initials: A.
           surname: Example
           organization: Example
           email: alex@example.com
        normative:
          RFC8259:
        informative:
          RFC9530:

        --- abstract

        This document is a sample.

        --- middle

        # Introduction

        It refers to {{RFC8259}} and {{RFC9530}}.

        ~~~
        listed
        ~~~

        # Security Considerations

        None.

        # IANA Considerations

        This document has no IANA actions.

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-draft-").FullName;

    /// <summary>Why the tests are skipped, or null. OR_REQUIRE_DRAFT_TOOLS=1: they are not skipped, and fail.</summary>
    public static string? MissingReason { get; } =
        Environment.GetEnvironmentVariable("OR_REQUIRE_DRAFT_TOOLS") != "1" && Run(Files.FullPath("draft"), "--tools") is { Status: not 0 } missing ? missing.Output.Trim() : null;

    private string Source => Path.Combine(_folder, "draft-example-recovery-sample-00.md");

    [RenderingFact]
    public void A_second_rendering_has_the_same_bytes_and_a_changed_one_is_found()
    {
        Write("listed", "listed");
        Assert.Equal((0, "draft-example-recovery-sample-00: 2 pages, no nits.\n"), Run(_folder));
        Assert.Equal(0, Run(_folder, "--check").Status);

        File.AppendAllText(Path.ChangeExtension(Source, "html"), " ");
        AssertRefused("draft-example-recovery-sample-00.html is not what the draft renders to", "--check");
        File.Delete(Path.ChangeExtension(Source, "txt"));
        AssertRefused("draft-example-recovery-sample-00.txt is missing", "--check");
    }

    [RenderingTheory]
    [InlineData("RFC8259", "RFC8260", "is not in references.tsv")]
    [InlineData("listed", "a line that is much too wide for an internet draft, which has seventy-two columns", "Artwork too wide")]
    [InlineData("# Security Considerations", "# Nothing", "MISSING_SECURITY_CONSIDERATIONS_SECTION")]
    [InlineData("date: 2026-11-20", "date: 2026-11", "must be a full one")]
    [InlineData("It refers to {{RFC8259}} and", "It refers to", "Unused reference")]
    public void A_draft_with_a_fault_is_not_rendered(string what, string with, string expected)
    {
        Write(what, with);
        AssertRefused(expected);
        Assert.False(File.Exists(Path.ChangeExtension(Source, "txt")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string what, string with)
    {
        foreach (var file in new[] { "build.sh", "references.rb", "references.tsv" })
        {
            File.Copy(Files.FullPath("draft/" + file), Path.Combine(_folder, file));
        }

        File.WriteAllText(Source, Sample.ReplaceLineEndings("\n").Replace(what, with, StringComparison.Ordinal));
    }

    private void AssertRefused(string expected, params string[] arguments)
    {
        var (status, output) = Run(_folder, arguments);
        Assert.Equal(1, status);
        Assert.Contains(expected, output, StringComparison.Ordinal);
    }

    /// <summary>Runs the script of a folder.</summary>
    internal static (int Status, string Output) Run(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", [Path.Combine(folder, "build.sh"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["DRAFT_TOOLS"] = Files.FullPath("artifacts/draft-tools");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + errors.GetAwaiter().GetResult();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}

/// <summary>A test that renders a draft of its own: skipped, and said so, where the tools are not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RenderingFactAttribute : FactAttribute
{
    public RenderingFactAttribute() => Skip = RenderingTests.MissingReason;
}

/// <summary>As <see cref="RenderingFactAttribute"/>, with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RenderingTheoryAttribute : TheoryAttribute
{
    public RenderingTheoryAttribute() => Skip = RenderingTests.MissingReason;
}
