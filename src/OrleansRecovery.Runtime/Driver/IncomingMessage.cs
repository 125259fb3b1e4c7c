using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>A message as its receiver meets it: from the sender's journal.</summary>
/// <param name="Id">Its id.</param>
/// <param name="SentIn">The sender's interval.</param>
/// <param name="SenderIncarnation">The sender's incarnation when it sent.</param>
/// <param name="Type">The registered name of the payload's type.</param>
/// <param name="Payload">The payload as JSON.</param>
/// <param name="Dependency">How the information travels.</param>
/// <param name="Strength">Whether the rollback set follows it.</param>
/// <param name="InReplyTo">The request that it answers, or null.</param>
/// <param name="AwaitsReply">The sender's handler waits for the response.</param>
public sealed record IncomingMessage(
    MessageId Id,
    CheckpointNumber SentIn,
    Incarnation SenderIncarnation,
    string Type,
    JsonElement Payload,
    DependencyKind Dependency,
    DependencyStrength Strength,
    MessageId? InReplyTo,
    bool AwaitsReply)
{
    internal static IncomingMessage Of(PendingMessage pending, MessageSent sent) => new(
        pending.Id, pending.SentIn, pending.SenderIncarnation, sent.Type, sent.Payload, sent.Dependency, sent.Strength, sent.InReplyTo, sent.AwaitsReply);
}
