using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Ports;

/// <summary>
/// What a journal keeps beside each record, to know what it wrote from what the disk made of it: CRC-32C over the position and the bytes. It is against
/// accidents; against people there is the ledger.
/// </summary>
public static class RecordSum
{
    /// <summary>The sum of a record.</summary>
    /// <param name="position">Its place in the stream.</param>
    /// <param name="body">Its bytes.</param>
    public static uint Of(long position, ReadOnlySpan<byte> body)
    {
        var sum = BitOperations.Crc32C(uint.MaxValue, (ulong)position);
        var whole = MemoryMarshal.Cast<byte, ulong>(body);
        foreach (var eight in whole)
        {
            sum = BitOperations.Crc32C(sum, BitConverter.IsLittleEndian ? eight : BinaryPrimitives.ReverseEndianness(eight));
        }

        foreach (var one in body[(whole.Length * sizeof(ulong))..])
        {
            sum = BitOperations.Crc32C(sum, one);
        }

        return ~sum;
    }

    /// <summary>Refuses a record that is not what was written. It is never skipped: what follows rests on it (theory, P8).</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="position">The place.</param>
    /// <param name="body">What was read.</param>
    /// <param name="sum">The sum that was kept; null for records of versions before sums.</param>
    /// <exception cref="RecoveryException"><c>CorruptDatabase</c>.</exception>
    public static void Check(StreamId stream, long position, ReadOnlySpan<byte> body, uint? sum)
    {
        if (sum is { } kept && kept != Of(position, body))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.CorruptDatabase,
                $"Record {position} of {stream} is not what was written: its checksum differs.",
                "Nothing was read from there on, and nothing was changed.",
                "Restore the database from a backup; keep the damaged one, and check the disk.");
        }
    }
}
