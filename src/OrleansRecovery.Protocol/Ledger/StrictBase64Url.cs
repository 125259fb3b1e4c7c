using System.Buffers;
using System.Buffers.Text;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>Base64url in its one form: no padding, no white space, no bits left over. What has two spellings must not be compared or hashed.</summary>
public static class StrictBase64Url
{
    /// <summary>The bytes, when the text is the one form of them.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (Base64Url.DecodeFromChars(text, bytes, out _, out var written) != OperationStatus.Done || !text.SequenceEqual(Base64Url.EncodeToString(bytes.AsSpan(0, written))))
        {
            bytes = [];
            return false;
        }

        bytes = bytes[..written];
        return true;
    }
}
