
namespace OrleansRecovery.Orleans.Storage;

/// <summary>
/// What one row of grain storage keeps of a stream: a run of its records. An append goes whole into the last segment, and rewrites nothing else, so that what
/// is written grows with what is appended and not with the history. A segment with <see cref="FullAt"/> records is full; the next one begins behind it, and
/// has the number of its first position divided by <see cref="FullAt"/>.
/// </summary>
[GenerateSerializer]
[Alias("recovery.segment")]
public sealed class JournalSegment
{
    /// <summary>From this number of records on nothing is added. The last append may lead beyond it.</summary>
    public const int FullAt = 32;

    /// <summary>The position of its first record.</summary>
    [Id(2)]
    public long First { get; set; }

    /// <summary>The position behind its last record.</summary>
    public long End() => First + Records.Count;

    /// <summary>Nothing is added to it any more.</summary>
    public bool IsFull() => Records.Count >= FullAt;

    /// <summary>The records, in the order of their positions.</summary>
    [Id(0)]
    public List<SegmentRecord> Records { get; set; } = [];

    /// <summary>The snapshots that belong to positions of this segment.</summary>
    [Id(1)]
    public List<SegmentSnapshot> Snapshots { get; set; } = [];
}

/// <summary>One record of a segment: its body or the digest of it, and neither when it was trimmed.</summary>
[GenerateSerializer]
[Alias("recovery.segment-record")]
public sealed class SegmentRecord
{
    /// <summary>Records of more bytes than this have a row of their own.</summary>
    public const int InlineMax = 4 * 1024;

    /// <summary>The record itself.</summary>
    [Id(0)]
    public byte[]? Body { get; set; }

    /// <summary>The digest under which the record has a row of its own.</summary>
    [Id(1)]
    public string? Digest { get; set; }

    /// <summary>The body's <see cref="Runtime.Ports.RecordSum"/>; null in segments of versions before sums.</summary>
    [Id(2)]
    public uint? Sum { get; set; }
}

/// <summary>Names a snapshot, which has a row of its own: the digest is part of the row's key, so that no stale writer can replace it.</summary>
[GenerateSerializer]
[Alias("recovery.segment-snapshot")]
public sealed class SegmentSnapshot
{
    /// <summary>The position of the record that it belongs to.</summary>
    [Id(0)]
    public long Position { get; set; }

    /// <summary>Its digest.</summary>
    [Id(1)]
    public string Digest { get; set; } = string.Empty;
}

/// <summary>Where to begin to look for the end of a stream. It may be behind.</summary>
[GenerateSerializer]
[Alias("recovery.stream-hint")]
public sealed class StreamHint
{
    /// <summary>The number of a segment that is there.</summary>
    [Id(0)]
    public long Segment { get; set; }
}

/// <summary>A large record or a snapshot.</summary>
[GenerateSerializer]
[Alias("recovery.blob")]
public sealed class JournalBlob
{
    /// <summary>Its bytes.</summary>
    [Id(0)]
    public byte[] Body { get; set; } = [];
}
