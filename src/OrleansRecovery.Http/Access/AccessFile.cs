using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Http.Access;

/// <summary>
/// Access rules as a file has them now: it is read for every question, so that what is changed in it counts from the next request on, without a restart and whatever
/// kind of file system it is on. A file that cannot be read, or is no table, changes nothing: the last good rules count, and <see cref="OnRefused"/> says so once.
/// A beginning of a table is no table, so it does not matter whether the file is written or replaced. Safe for use by several threads.
/// </summary>
public sealed class AccessFile : IAccessRules
{
    private readonly Lock _sync = new();
    private readonly string _path;
    private volatile Reading _last;

    private AccessFile(string path, Reading first) => (_path, _last) = (path, first);

    /// <summary>Is told when the file was changed into something that is no table, or cannot be read any more, once for each such content. Default: nobody is.</summary>
    public Action<RecoveryError> OnRefused { get; set; } = _ => { };

    private AccessTable Rules => ReadBytes(out _) is { } bytes && _last.Is(bytes) ? _last.Table : ReadAgain();

    /// <summary>Opens a file of rules, as <see cref="AccessTable.Read(string)"/> reads them.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: there is no such file, or it is no table.</exception>
    public static AccessFile Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        path = Path.GetFullPath(path);
        var table = AccessTable.Read(path, out var bytes);
        return new AccessFile(path, new Reading(bytes, table));
    }

    /// <inheritdoc/>
    public ValueTask<bool> MayAsync(ClaimsPrincipal peer, AccessRequest request, CancellationToken cancellationToken) => Rules.MayAsync(peer, request, cancellationToken);

    /// <summary>Do the rules shut this certificate out?</summary>
    public bool IsRevoked(X509Certificate2 certificate) => Rules.IsRevoked(certificate);

    // One at a time: who read earlier must not take back what was read later, which may be all that is known of a revocation.
    private AccessTable ReadAgain()
    {
        lock (_sync)
        {
            var bytes = ReadBytes(out var missing);
            if (_last.Is(bytes))
            {
                return _last.Table;
            }

            try
            {
                _last = new Reading(bytes, bytes is null ? throw AccessTable.Unreadable(_path, missing!) : AccessTable.Parse(bytes));
            }
            catch (RecoveryException bad)
            {
                _last = new Reading(bytes, _last.Table);
                OnRefused(new RecoveryError(
                    RecoveryErrorCode.BadConfiguration,
                    $"The access rules in {_path} were changed and cannot be read: {bad.Error.Cause}",
                    "The rules before the change still count, and nothing that was taken away by it is.",
                    bad.Error.NextStep));
            }

            return _last.Table;
        }
    }

    private byte[]? ReadBytes(out Exception? missing)
    {
        try
        {
            missing = null;
            return File.ReadAllBytes(_path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            missing = failure;
            return null;
        }
    }

    // Bytes: null where there is no file to read.
    private sealed record Reading(byte[]? Bytes, AccessTable Table)
    {
        public bool Is(byte[]? bytes) => bytes is null ? Bytes is null : Bytes is not null && bytes.AsSpan().SequenceEqual(Bytes);
    }
}
