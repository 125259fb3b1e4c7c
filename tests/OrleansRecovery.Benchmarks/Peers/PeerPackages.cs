using System.Diagnostics;

namespace OrleansRecovery.Benchmarks.Peers;

/// <summary>Brings peers by package name into <c>artifacts/peers</c>, from the registries of the user's own configuration.</summary>
internal static class PeerPackages
{
    /// <summary>The checkout.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The tables that Orleans needs on PostgreSQL.</summary>
    public static string OrleansSchema => Path.Combine(Root, "silo", "Schema", "postgres.sql");

    /// <summary>A peer that npm brings: the command that runs its worker.</summary>
    /// <exception cref="AbsentPeerException">npm is missing, or did not bring it.</exception>
    public static async Task<IReadOnlyList<string>> NpmAsync(string peer)
    {
        var folder = Copy(peer, "package.json", "worker.mjs");
        File.Copy(Path.Combine(Scripts, "saga.mjs"), Path.Combine(folder, "saga.mjs"), overwrite: true);
        var done = Path.Combine(folder, "installed.json"); // a copy of what was asked for when it came
        if (!File.Exists(done) || await File.ReadAllTextAsync(done) != await File.ReadAllTextAsync(Path.Combine(folder, "package.json")))
        {
            await RunAsync(folder, "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel", "error");
            File.Copy(Path.Combine(folder, "package.json"), done, overwrite: true);
        }

        var node = Path.Combine(folder, "node_modules", ".bin", "node");
        return [File.Exists(node) ? node : "node", Path.Combine(folder, "worker.mjs")];
    }

    /// <summary>A peer that NuGet brings: the command that runs its worker.</summary>
    /// <exception cref="AbsentPeerException">It does not restore, or does not build.</exception>
    public static async Task<IReadOnlyList<string>> DotnetAsync(string peer)
    {
        var folder = Copy(peer, "Worker.cs");
        File.Copy(Path.Combine(Scripts, peer, "worker.csproj.txt"), Path.Combine(folder, "worker.csproj"), overwrite: true);
        await RunAsync(folder, "dotnet", "build", "-c", "Release", "-v", "q", "-nologo", "--tl:off", "-o", "out");
        return ["dotnet", Path.Combine(folder, "out", "worker.dll")];
    }

    /// <summary>Why a package does not restore, or null: it does.</summary>
    public static async Task<string?> WhyNotAsync(string package, string version)
    {
        var folder = Folder($"sought-{package}");
        await File.WriteAllTextAsync(
            Path.Combine(folder, "sought.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><NuGetAudit>false</NuGetAudit></PropertyGroup>
              <ItemGroup><FrameworkReference Include="Microsoft.AspNetCore.App" /><PackageReference Include="{package}" Version="{version}" /></ItemGroup>
            </Project>
            """);
        try
        {
            await RunAsync(folder, "dotnet", "restore", "-v", "q", "--tl:off");
            return null;
        }
        catch (AbsentPeerException absent)
        {
            return absent.Message;
        }
    }

    private static string Scripts => Path.Combine(Root, "tests", "OrleansRecovery.Benchmarks", "Peers");

    // The repository's own settings of builds are not those of a peer.
    private static string Folder(string name)
    {
        var peers = Directory.CreateDirectory(Path.Combine(Root, "artifacts", "peers"));
        foreach (var file in new[] { "Directory.Build.props", "Directory.Packages.props" })
        {
            File.WriteAllText(Path.Combine(peers.FullName, file), "<Project />");
        }

        return peers.CreateSubdirectory(name).FullName;
    }

    private static string Copy(string peer, params string[] files)
    {
        var folder = Folder(peer);
        Array.ForEach(files, file => File.Copy(Path.Combine(Scripts, peer, file), Path.Combine(folder, file), overwrite: true));
        return folder;
    }

    private static async Task RunAsync(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using var process = Process.Start(start)!;
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            if (process.ExitCode != 0)
            {
                throw new AbsentPeerException($"{program} {arguments[0]}: {Reason(await output + await error)}");
            }
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new AbsentPeerException($"{program} cannot be run: {missing.Message}");
        }
    }

    // The first line that names an error, without paths and sources.
    private static string Reason(string output)
    {
        var line = output.Split('\n').FirstOrDefault(line => line.Contains("error", StringComparison.OrdinalIgnoreCase))?.Trim() ?? "it failed and said no error";
        line = line[Math.Max(0, line.IndexOf("error", StringComparison.OrdinalIgnoreCase))..];
        var sources = line.IndexOf(" in source", StringComparison.Ordinal);
        return sources > 0 ? line[..sources] : line.Length > 200 ? line[..200] : line;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "OrleansRecovery.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No OrleansRecovery.sln above {AppContext.BaseDirectory}: run this inside the repository.");
    }
}
