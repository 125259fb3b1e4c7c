using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Ledger;

/// <summary>Writes a ledger as a host does, and as somebody would who has taken over its database.</summary>
internal sealed class LedgerScribe : IDisposable
{
    private readonly List<ECDsa> _keys = [];

    /// <summary>A ledger that is opened by a key.</summary>
    public LedgerScribe()
    {
        NewKey();
        Add(RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(Public)));
    }

    public PublicKey Public { get; private set; } = null!;

    public LedgerHead Head { get; private set; } = LedgerHead.Empty;

    public List<RecoveryRecord> Records { get; } = [];

    public List<byte[]> Lines { get; } = [];

    public byte[] File => ToFile(Lines);

    public static byte[] ToFile(IEnumerable<byte[]> lines) => [.. lines.SelectMany(line => line.Append((byte)'\n'))];

    public static LedgerVerifier Verify(IEnumerable<byte[]> lines, LedgerTrust? trust = null)
    {
        var verifier = new LedgerVerifier(trust);
        verifier.CheckLines(ToFile(lines));
        return verifier;
    }

    /// <summary>What the records become when hashes are made to fit again, and signatures are not: all that a forger without the key can do.</summary>
    public static List<byte[]> Rehash(IEnumerable<RecoveryRecord> records)
    {
        var head = LedgerHead.Empty;
        var lines = new List<byte[]>();
        foreach (var record in records)
        {
            var entry = new LedgerEntry(record.Kind, record.Body, record.Execution, record.Recovery, record.Actor);
            (_, var line, head) = LedgerChain.Append(head, record.Tenant, entry, record.At);
            lines.Add(line);
        }

        return lines;
    }

    public void Add(RecoveryRecordKind kind, string body = "{}", string? recovery = null, string execution = "trip") =>
        Add(kind, Sample.Json(body), recovery, execution);

    public void Add(RecoveryRecordKind kind, JsonElement body, string? recovery = null, string execution = "trip")
    {
        var entry = new LedgerEntry(kind, body, ExecutionId.Parse(execution), recovery is null ? null : RecoveryId.Parse(recovery), Sample.Operator);
        var (record, line, head) = LedgerChain.Append(Head, Sample.Tenant, entry, 1_000_000 + Records.Count);
        Records.Add(record);
        Lines.Add(line);
        Head = head;
    }

    /// <summary>Takes the last record away, as somebody does who has the database and the key.</summary>
    public void Cut()
    {
        Records.RemoveAt(Records.Count - 1);
        Lines.RemoveAt(Lines.Count - 1);
        Head = new LedgerHead(Records[^1].Position.Next, Records[^1].Hash!);
    }

    public void SignHead() => SignHead(Public.Key, _keys[^1]);

    /// <summary>A head signed with a key that has handed over already.</summary>
    public void SignHeadWithFirstKey(KeyId key) => SignHead(key, _keys[0]);

    /// <summary>Another name for the key that signs now.</summary>
    public void SignHeadAs(string key) => SignHead(KeyId.Parse(key), _keys[^1]);

    public void Rotate()
    {
        var (before, signer) = (Public.Key, _keys[^1]);
        NewKey();
        var signature = Sign(signer, LedgerSignatures.HandOverStatement(Sample.Tenant, Head, Public));
        Add(RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(Public, before, signature)));
    }

    /// <summary>A new key that says of itself what it likes.</summary>
    public void Usurp(KeyId signedBy, bool signs = true)
    {
        NewKey();
        var signature = signs ? Sign(_keys[^1], LedgerSignatures.HandOverStatement(Sample.Tenant, Head, Public)) : null;
        Add(RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(Public, signedBy, signature)));
    }

    /// <summary>The key that signs now introduces another point under a name that is taken.</summary>
    public void Rename(KeyId taken)
    {
        var (before, signer) = (Public.Key, _keys[^1]);
        NewKey();
        var point = _keys[^1].ExportParameters(false).Q;
        var namesake = PublicKey.Of(taken, point.X, point.Y);
        var signature = Sign(signer, LedgerSignatures.HandOverStatement(Sample.Tenant, Head, namesake));
        Add(RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(namesake, before, signature)));
    }

    /// <summary>A whole recovery: seven records and a head.</summary>
    public void Recover(string recovery)
    {
        Add(RecoveryRecordKind.SignalAccepted, $$"""{"signal":"s-{{recovery}}","detail":"caf\u00e9 \u2028 \"quoted\""}""");
        Add(RecoveryRecordKind.RecoveryOpened, """{"signals":["s"]}""", recovery);
        Add(RecoveryRecordKind.Voted, """{"agent":"a","answer":"ready","target":1}""", recovery);
        Add(RecoveryRecordKind.Decided, """{"plan":1,"targets":{"a":1}}""", recovery);
        Add(RecoveryRecordKind.CompensationSettled, """{"action":"a#3","attempts":1}""", recovery);
        Add(RecoveryRecordKind.Restored, """{"agent":"a","incarnation":1}""", recovery);
        Add(RecoveryRecordKind.Outcome, """{"result":"completed","residue":[]}""", recovery);
        SignHead();
    }

    public void Dispose() => _keys.ForEach(key => key.Dispose());

    private static string Sign(ECDsa key, byte[] statement) => Base64Url.EncodeToString(key.SignData(statement, HashAlgorithmName.SHA256));

    private void SignHead(KeyId name, ECDsa key) => Add(
        RecoveryRecordKind.Head,
        LedgerSignatures.Body(new SignedHead(Head.Hash, name, Sign(key, LedgerSignatures.HeadStatement(Sample.Tenant, Head)))));

    private void NewKey()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var point = key.ExportParameters(false).Q;
        _keys.Add(key);
        Public = PublicKey.Of(point.X, point.Y);
    }
}
