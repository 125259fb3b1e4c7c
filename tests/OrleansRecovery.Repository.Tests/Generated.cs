namespace OrleansRecovery.Repository.Tests;

/// <summary>Files that a program writes.</summary>
internal static class Generated
{
    /// <summary>Compares a file with what it must be; with UPDATE_GENERATED=1 it is written first.</summary>
    public static void AssertCurrent(string file, string text)
    {
        var path = Repository.FullPath(file);
        if (Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        Assert.True(File.Exists(path), $"{file} is missing: run these tests with UPDATE_GENERATED=1.");
        Assert.Equal(text, File.ReadAllText(path).ReplaceLineEndings("\n"));
    }
}
