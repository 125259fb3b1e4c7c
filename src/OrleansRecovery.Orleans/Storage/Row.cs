using System.Diagnostics.CodeAnalysis;

namespace OrleansRecovery.Orleans.Storage;

/// <summary>A row of grain storage; one that is not there has an empty state.</summary>
internal sealed class Row<T> : IGrainState<T>
    where T : class, new()
{
    /// <inheritdoc/>
    [AllowNull]
    public T State
    {
        get => field ??= new T();
        set;
    }

    /// <inheritdoc/>
    [AllowNull]
    public string ETag { get; set; }

    /// <inheritdoc/>
    public bool RecordExists { get; set; }
}
