using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>
/// A DSSE envelope (Dead Simple Signing Envelope, version 1) with an in-toto statement. It was read, and nothing is proven yet. Signatures are ES256, 64 bytes, as in
/// signed messages; a key is named by its thumbprint.
/// </summary>
/// <param name="Payload">The statement, byte by byte.</param>
/// <param name="Signatures">Who is said to have signed it, and the signature.</param>
public sealed record DsseEnvelope(ReadOnlyMemory<byte> Payload, IReadOnlyList<(KeyId Key, ReadOnlyMemory<byte> Signature)> Signatures)
{
    /// <summary>What every payload is.</summary>
    public const string PayloadType = "application/vnd.in-toto+json";

    /// <summary>Most signatures that are looked at.</summary>
    public const int SignatureCountMax = 16;

    /// <summary>What is signed: the pre-authentication encoding of the protocol.</summary>
    public static byte[] StatementOf(ReadOnlySpan<byte> payload) =>
        [.. Encoding.ASCII.GetBytes($"DSSEv1 {PayloadType.Length} {PayloadType} {payload.Length} "), .. payload];

    /// <summary>The envelope of a statement that one key signed.</summary>
    public static byte[] Write(ReadOnlySpan<byte> payload, KeyId key, ReadOnlySpan<byte> signature) => Encoding.ASCII.GetBytes(
        $$"""{"payloadType":"{{PayloadType}}","payload":"{{Convert.ToBase64String(payload)}}","signatures":[{"keyid":"{{key}}","sig":"{{Convert.ToBase64String(signature)}}"}]}""");

    /// <summary>Reads one from anybody. Never throws.</summary>
    /// <param name="bytes">The envelope.</param>
    /// <param name="envelope">What was read.</param>
    /// <param name="fault">Why it is none, for people.</param>
    public static bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out DsseEnvelope? envelope, [NotNullWhen(false)] out string? fault)
    {
        envelope = null;
        if (bytes.Length > CapabilityEvidence.EnvelopeBytesMax)
        {
            fault = $"has {bytes.Length} bytes, more than {CapabilityEvidence.EnvelopeBytesMax}";
            return false;
        }

        using var document = EvidenceJson.TryParse(bytes);
        if (document is null)
        {
            fault = "is no JSON, or repeats a member";
            return false;
        }

        var root = document.RootElement;
        if (!EvidenceJson.HasExactly(root, "payloadType", "payload", "signatures"))
        {
            fault = "has not exactly the members payloadType, payload and signatures";
            return false;
        }

        if (EvidenceJson.Text(root, "payloadType") != PayloadType)
        {
            fault = $"has another payloadType than {PayloadType}";
            return false;
        }

        if (!TryDecode(root, "payload", out var payload))
        {
            fault = "has a payload that is no base64";
            return false;
        }

        if (root.GetProperty("signatures") is not { ValueKind: JsonValueKind.Array } given || given.GetArrayLength() is < 1 or > SignatureCountMax)
        {
            fault = $"has not 1 to {SignatureCountMax} signatures";
            return false;
        }

        var signatures = new List<(KeyId, ReadOnlyMemory<byte>)>();
        foreach (var item in given.EnumerateArray())
        {
            if (!EvidenceJson.HasExactly(item, "keyid", "sig") || !TermParser.TryParse<KeyId>(EvidenceJson.Text(item, "keyid"), out var key, out _) || !TryDecode(item, "sig", out var signature))
            {
                fault = "has a signature without exactly a keyid, which names a key, and a sig in base64";
                return false;
            }

            signatures.Add((key, signature));
        }

        envelope = new DsseEnvelope(payload, signatures);
        fault = null;
        return true;
    }

    // In its one form: what has two spellings must not be compared.
    private static bool TryDecode(JsonElement parent, string name, out byte[] bytes)
    {
        bytes = [];
        if (EvidenceJson.Text(parent, name) is not { } text)
        {
            return false;
        }

        var buffer = new byte[(text.Length / 4 * 3) + 3];
        if (!Convert.TryFromBase64String(text, buffer, out var written) || Convert.ToBase64String(buffer.AsSpan(0, written)) != text)
        {
            return false;
        }

        bytes = buffer[..written];
        return true;
    }
}
