using System.Text.Json;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;

namespace OrleansRecovery.Http.Endpoints;

// What stands in requests and answers, beside the messages of the protocol and the views of Runtime's client.

/// <summary>An agent of an execution that is to be started.</summary>
/// <param name="Agent">Its name in the execution.</param>
/// <param name="Class">The class that plays it: registered with the host, or enrolled as foreign.</param>
/// <param name="Fallback">The class that takes over when policy says so, or null.</param>
internal sealed record StartedAgent(AgentId Agent, string Class, string? Fallback = null);

/// <summary>What an execution is started with.</summary>
/// <param name="Agents">Its agents.</param>
/// <param name="Policy">What policy decides about its recoveries; the defaults where it is missing.</param>
internal sealed record StartedExecution(IReadOnlyList<StartedAgent> Agents, RecoveryPolicy? Policy = null);

/// <summary>An execution in a list.</summary>
/// <param name="Execution">Its name.</param>
/// <param name="Phase">Its phase.</param>
/// <param name="Agents">How many agents it has.</param>
/// <param name="Recoveries">How many recoveries it has had.</param>
/// <param name="PendingMessages">How many messages wait to be consumed.</param>
/// <param name="WaitsFor">What an operator must decide about in a recovery of it; null when nothing waits.</param>
internal sealed record ListedExecution(ExecutionId Execution, ExecutionPhase Phase, int Agents, int Recoveries, int PendingMessages, EscalationReason? WaitsFor);

/// <summary>A page of a list.</summary>
/// <param name="Items">The items.</param>
/// <param name="Next">Where the next page is; null when this is the last one.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>Input from outside.</summary>
/// <param name="Type">The name of the message's type.</param>
/// <param name="Payload">The payload.</param>
/// <param name="AwaitsReply">The sender will ask for the response.</param>
internal sealed record Input(string Type, JsonElement Payload, bool AwaitsReply = false);

/// <summary>Input that is durable.</summary>
/// <param name="Message">The message that it became.</param>
/// <param name="Response">Where its response is to be asked for; null when none is awaited.</param>
internal sealed record SentInput(MessageId Message, string? Response);

/// <summary>A decision about a recovery, or about an execution that waits for one.</summary>
/// <param name="Ruling">The decision.</param>
/// <param name="Plan">The version of the set that was looked at (draft, R-RUL-5).</param>
/// <param name="By">Who decides.</param>
/// <param name="Reason">Why: kept in the ledger.</param>
internal sealed record PostedRuling(OperatorDecision Ruling, long Plan, IssuerId By, string Reason);

/// <summary>Pause (true) or resume (false).</summary>
internal sealed record Paused(bool Value, IssuerId By, string Reason);

/// <summary>An interval was validated.</summary>
internal sealed record Seal(IssuerId By);

/// <summary>A key that an issuer gets.</summary>
/// <param name="Issuer">Who signs with it.</param>
/// <param name="PublicKey">The key, as a JWK; its thumbprint is its name in the path.</param>
/// <param name="By">Who gives it.</param>
/// <param name="Reason">Why: kept in the ledger.</param>
internal sealed record GivenKey(IssuerId Issuer, PublicKey PublicKey, IssuerId By, string Reason);

/// <summary>A key is to verify for a while only.</summary>
/// <param name="Until">The last moment at which it verifies, in milliseconds since 1970 UTC.</param>
/// <param name="By">Who decides.</param>
/// <param name="Reason">Why: kept in the ledger.</param>
internal sealed record RetiredKey(long Until, IssuerId By, string Reason);

/// <summary>What an operator decides about a key or an issuer.</summary>
/// <param name="By">Who decides.</param>
/// <param name="Reason">Why: kept in the ledger.</param>
internal sealed record Decision(IssuerId By, string Reason);

/// <summary>Records for the end of a foreign agent's journal.</summary>
/// <param name="At">Where the first of them goes: the length that the journal has.</param>
/// <param name="Records">The records, as the journal keeps them.</param>
internal sealed record Append(long At, IReadOnlyList<JsonElement> Records);

/// <summary>The length of a journal.</summary>
internal sealed record Appended(SequenceNumber Next);

/// <summary>A record and where it stands.</summary>
/// <param name="Sequence">Where it stands.</param>
/// <param name="Record">The record.</param>
/// <param name="Message">For a consumption: the message, which stands in its sender's journal and is needed for a replay.</param>
internal sealed record PositionedRecord(long Sequence, JsonElement Record, WaitingMessage? Message = null);

/// <summary>The dependency information of a message (draft, section {#tag}).</summary>
internal sealed record DependencyTag(
    ExecutionId Execution, AgentId Sender, SequenceNumber Sequence, CheckpointNumber Interval, Incarnation Incarnation, DependencyStrength Strength, DependencyKind Kind);

/// <summary>A message that waits for a foreign agent.</summary>
/// <param name="AgentRecovery">Its dependency information.</param>
/// <param name="Type">The name of its type.</param>
/// <param name="Payload">Its payload.</param>
/// <param name="AwaitsReply">The sender waits for a response.</param>
/// <param name="InReplyTo">The request that it answers, or null.</param>
internal sealed record WaitingMessage(DependencyTag AgentRecovery, string Type, JsonElement Payload, bool AwaitsReply, MessageId? InReplyTo)
{
    internal static WaitingMessage Of(ExecutionAddress execution, IncomingMessage message) => new(
        new DependencyTag(
            execution.Execution, message.Id.Sender, message.Id.Sequence, message.SentIn, message.SenderIncarnation, message.Strength, message.Dependency),
        message.Type,
        message.Payload,
        message.AwaitsReply,
        message.InReplyTo);
}

/// <summary>What waits for a foreign agent.</summary>
/// <param name="Next">The length of its journal.</param>
/// <param name="IsHeld">No turn may begin: paused, escalated or stopped.</param>
/// <param name="Messages">What it may consume, in the order of arrival.</param>
internal sealed record Inbox(SequenceNumber Next, bool IsHeld, IReadOnlyList<WaitingMessage> Messages);

/// <summary>Where messages go (draft, section {#resources}).</summary>
internal sealed record Metadata(IReadOnlyList<int> Ver, string Coordinator, IReadOnlyList<string> SigningAlg);
