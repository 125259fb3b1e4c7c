using OrleansRecovery.Protocol.Ledger;

namespace OrleansRecovery.Runtime.Security;

/// <summary>Where signed heads go that are to be kept outside the database, against its truncation (draft, R-LED-9).</summary>
public interface IHeadPublisher
{
    /// <summary>
    /// Keeps a head. Durable when the task completes. When it throws, it may or may not be kept; the ledger goes on, and a later head, which covers it, is published. Heads may
    /// come twice.
    /// </summary>
    Task PublishAsync(PublishedHead head);
}

/// <summary>Appends each head to a file, as a line of JSON. The file is best on a medium that whoever writes the database cannot change.</summary>
/// <param name="path">The file; it is made when it is missing.</param>
public sealed class HeadFile(string path) : IHeadPublisher
{
    private readonly Lock _sync = new();

    /// <inheritdoc/>
    public Task PublishAsync(PublishedHead head)
    {
        ArgumentNullException.ThrowIfNull(head);
        lock (_sync) // several tenants' ledgers have one file
        {
            using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);
            file.Write([.. head.Write(), (byte)'\n']);
            file.Flush(flushToDisk: true);
        }

        return Task.CompletedTask;
    }
}
