using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Ports;

/// <summary>What every journal refuses before it writes anything.</summary>
public static class JournalLimits
{
    /// <summary>Checks a batch.</summary>
    /// <exception cref="RecoveryException">
    /// <c>PayloadTooLarge</c>: a record or snapshot is larger than <see cref="StreamAppend.BytesMax"/>, or the batch than
    /// <see cref="JournalBatch.BytesMax"/>. <c>InvalidName</c>: a stream has a name that not every database can keep.
    /// </exception>
    /// <exception cref="ArgumentException">A stream occurs twice.</exception>
    public static void Check(JournalBatch batch)
    {
        var streams = new HashSet<StreamId>();
        foreach (var append in batch.Appends)
        {
            if (!streams.Add(append.Stream))
            {
                throw new ArgumentException($"The stream {append.Stream} occurs twice: put its records into one append.", nameof(batch));
            }

            CheckName(append.Stream);
            var largest = append.Records.Select(record => record.Length).Concat(append.Snapshots.Select(snapshot => snapshot.Body.Length)).DefaultIfEmpty().Max();
            Refuse(largest, StreamAppend.BytesMax, $"A record of {append.Stream}");
        }

        Refuse(BytesOf(batch), JournalBatch.BytesMax, "A batch");
    }

    /// <summary>The bytes of all records and snapshots of a batch.</summary>
    public static long BytesOf(JournalBatch batch) => batch.Appends.Sum(append =>
        append.Records.Sum(record => (long)record.Length) + append.Snapshots.Sum(snapshot => (long)snapshot.Body.Length));

    private static void CheckName(StreamId stream)
    {
        if (stream.Name.Length > TermText.LengthMax || stream.Name.Any(char.IsControl))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.InvalidName,
                $"The name of a stream of kind {stream.Kind} has control characters, or more than {TermText.LengthMax} characters.",
                "Nothing was written.",
                "Give it a shorter name without control characters.");
        }
    }

    private static void Refuse(long bytes, long most, string what)
    {
        if (bytes > most)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.PayloadTooLarge,
                $"{what} has {bytes} bytes, and {most} is the most.",
                "Nothing was written.",
                "Keep large data in a store of its own, and put a reference to it into messages and state.");
        }
    }
}
