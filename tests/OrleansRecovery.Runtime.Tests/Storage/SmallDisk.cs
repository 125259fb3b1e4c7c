using System.Diagnostics;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>A file system of 1 MiB in memory, for real "disk full" and "read-only" errors. Only root can mount it.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    public static async Task<SmallDisk> MountAsync()
    {
        var disk = new SmallDisk(Directory.CreateTempSubdirectory("recovery-disk-").FullName);
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=1m", "recovery-test", disk.Folder);
        return disk;
    }

    public Task RemountReadOnlyAsync() => RunAsync("mount", "-o", "remount,ro", Folder);

    public async ValueTask DisposeAsync()
    {
        // Lazily: a connection that closes late does not keep it.
        await RunAsync("umount", "-l", Folder);
        Directory.Delete(Folder);
    }

    internal static bool TryRun(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}

/// <summary>A test that mounts a disk of its own; skipped, and said so, where that is not possible.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MountFactAttribute : FactAttribute
{
    private static readonly Lazy<bool> CanMount = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("recovery-mount-").FullName;
        var mounted = SmallDisk.TryRun("mount", "-t", "tmpfs", "-o", "size=1m", "recovery-test", folder);
        var gone = !mounted || SmallDisk.TryRun("umount", folder);
        Directory.Delete(folder);
        return mounted && gone;
    });

    public MountFactAttribute()
    {
        if (!CanMount.Value)
        {
            Skip = "This user cannot mount a small disk (root can, outside of a container without that right).";
        }
    }
}
