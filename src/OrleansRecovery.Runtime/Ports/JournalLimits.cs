using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Ports;

/// <summary>What every journal refuses before it writes anything.</summary>
public static class JournalLimits
{
    /// <summary>Checks a batch.</summary>
    /// <exception cref="RecoveryException"><c>PayloadTooLarge</c>: a record or snapshot is larger than <see cref="StreamAppend.BytesMax"/>.</exception>
    public static void Check(JournalBatch batch)
    {
        foreach (var append in batch.Appends)
        {
            var largest = append.Records.Select(record => record.Length).Concat(append.Snapshots.Select(snapshot => snapshot.Body.Length)).DefaultIfEmpty().Max();
            if (largest > StreamAppend.BytesMax)
            {
                throw RecoveryException.Of(
                    RecoveryErrorCode.PayloadTooLarge,
                    $"A record of {append.Stream} has {largest} bytes, and {StreamAppend.BytesMax} is the most.",
                    "Nothing was written.",
                    "Keep large data in a store of its own, and put a reference to it into messages and state.");
            }
        }
    }
}
