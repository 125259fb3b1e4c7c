using System.Buffers.Text;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Security;

/// <summary>Makes the entries of one tenant's ledger that need a private key. It writes nothing: give them to <see cref="LedgerChain.Append"/> at the same head.</summary>
/// <param name="tenant">Whose ledger.</param>
/// <param name="key">The key; it stays the caller's.</param>
public sealed class LedgerSigner(TenantId tenant, LedgerKey key)
{
    /// <summary>The entry that opens a ledger with this key.</summary>
    public LedgerEntry Introduce() => new(RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(key.Public)));

    /// <summary>The entry with which this key hands over to the next one. From there on this key's heads are refused.</summary>
    public LedgerEntry HandOver(LedgerHead head, PublicKey next) => new(
        RecoveryRecordKind.KeyIntroduced,
        LedgerSignatures.Body(new KeyIntroduction(next, key.Public.Key, Sign(LedgerSignatures.HandOverStatement(tenant, head, next)))));

    /// <summary>The entry that signs all before it.</summary>
    public LedgerEntry Head(LedgerHead head) => new(
        RecoveryRecordKind.Head,
        LedgerSignatures.Body(new SignedHead(head.Hash, key.Public.Key, Sign(LedgerSignatures.HeadStatement(tenant, head)))));

    private string Sign(byte[] statement) => Base64Url.EncodeToString(key.Sign(statement));
}
