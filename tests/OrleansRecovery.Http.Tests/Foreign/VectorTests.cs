using System.Diagnostics;
using OrleansRecovery.Http.Tests.Kit;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Http.Tests.Foreign;

/// <summary>The participants of the samples do what the draft's vectors say.</summary>
public sealed class VectorTests
{
    [Fact]
    public Task The_participant_in_Python_does_what_the_vectors_say() => CheckAsync("python3", "samples/PythonAgent/check_vectors.py");

    [TypeScriptFact]
    public Task The_participant_in_TypeScript_does_what_the_vectors_say() => CheckAsync("node", "samples/TypeScriptAgent/built/check_vectors.js");

    private static async Task CheckAsync(string program, string script)
    {
        var start = new ProcessStartInfo(program, [Files.FullPath(script), Files.FullPath("draft/vectors/participant.json")]) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var check = Process.Start(start)!;
        var said = await check.StandardOutput.ReadToEndAsync();
        await check.WaitForExitAsync();

        Assert.Matches(@"(?m)^(\d{3,}) of \1 sequences$", said);
        Assert.Equal(0, check.ExitCode);
    }
}
