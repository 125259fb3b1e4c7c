using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansRecovery.Cli.Import;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Fuzz;

/// <summary>Every parser of the product, with what it promises: a named error, or a value that is written and read again as the same.</summary>
internal static partial class Parsers
{
    public static IReadOnlyList<Target> All { get; } =
    [
        Make("message", Seeds.Messages, Message),
        Make("signed message", Seeds.SignedMessages, Signed),
        Make("ledger line", Seeds.LedgerLines, LedgerLine),
        Make("ledger", Seeds.Ledgers, Ledger),
        Make("conduct", Seeds.LedgerLines, Conduct),
        Make("published head", Seeds.Heads, Head),
        Make("agent record", Seeds.AgentRecords, input => RoundTrip(AgentEventJson.Read(input), AgentEventJson.Write, bytes => AgentEventJson.Read(bytes))),
        Make("given record", Seeds.AgentRecords, GivenRecord),
        Make("execution record", Seeds.ExecutionRecords, input => RoundTrip(ExecutionLog.Read(input), ExecutionLog.Write, bytes => ExecutionLog.Read(bytes))),
        Make("task contract", Seeds.Contracts, input => RoundTrip(TaskJson.ReadContract(input), TaskJson.Write, bytes => TaskJson.ReadContract(bytes))),
        Make("key record", Seeds.KeyRecords, input => RoundTrip(IssuerKeyJson.Read(input), IssuerKeyJson.Write, bytes => IssuerKeyJson.Read(bytes))),
        Make("request", Seeds.Requests, input => { RequestInbox.Read(input); }),
        Make("canonical json", Seeds.Messages, Canonical),
        Make("terms", Seeds.Names, Terms),
        Make("access table", Seeds.AccessTables, input => { AccessTable.Parse(input); }),
        Make("signal policy", Seeds.Policies, input => RoundTrip(SignalPolicyJson.Read(input), SignalPolicyJson.Write, bytes => SignalPolicyJson.Read(bytes))),
        Make("objectives", Seeds.Objectives, input => RoundTrip(ObjectivesJson.Read(input), ObjectivesJson.Write, bytes => ObjectivesJson.Read(bytes))),
        Make("public key", Seeds.Keys, Key),
        Make("who-and-when", Seeds.WhoAndWhen, input => { Importer.Parse("run", Encoding.UTF8.GetString(input), "who-and-when"); }),
        Make("wfcommons", Seeds.WfCommons, input => { Importer.Parse("run", Encoding.UTF8.GetString(input), "wfcommons"); }),
        Make("collected", Seeds.Collected, input => { Importer.Parse("run", Encoding.UTF8.GetString(input), "jsonl"); }),
        Make("capability record", Seeds.CapabilityRecords, input => RoundTrip(CapabilityJson.Read(input), CapabilityJson.Write, bytes => CapabilityJson.Read(bytes))),
        Make("provenance", Seeds.Provenance, input => Evidence(input, Seeds.Bills[0])),
        Make("bill of materials", Seeds.Bills, input => Evidence(Seeds.Provenance[0], input)),
    ];

    /// <summary>What is said, without what differs from input to input.</summary>
    public static string Skeleton(string text) => Varying().Replace(text.Split(": ")[0], "~");

    /// <summary>An error that tells somebody what to do.</summary>
    /// <exception cref="BrokenPromiseException">It does not.</exception>
    public static string Named(RecoveryError? error)
    {
        if (error is null || !Enum.IsDefined(error.Code) || string.IsNullOrWhiteSpace(error.Cause) || string.IsNullOrWhiteSpace(error.Impact) || string.IsNullOrWhiteSpace(error.NextStep))
        {
            throw new BrokenPromiseException($"An error says too little: {error}");
        }

        return $"{error.Id} {Skeleton(error.Cause)}";
    }

    private static Target Make(string name, IReadOnlyList<byte[]> seeds, Action<byte[]> check) => new(name, seeds, input =>
    {
        try
        {
            check(input);
            return Task.FromResult(new Verdict(true, "accepted"));
        }
        catch (RecoveryException refused)
        {
            return Task.FromResult(new Verdict(false, Named(refused.Error)));
        }
    });

    private static void Message(byte[] input)
    {
        if (!MessageCodec.TryRead(input, out var message, out var error))
        {
            throw new RecoveryException(error);
        }

        var written = MessageCodec.Write(message);
        Promise(MessageCodec.TryRead(written, out var again, out var refusal), $"What was written is refused: {refusal}");
        Promise(MessageCodec.Write(again!).SequenceEqual(written), "Written twice, it differs.");
    }

    private static void Signed(byte[] input)
    {
        if (!SignedMessage.TryRead(input, out var signed, out var error))
        {
            throw new RecoveryException(error);
        }

        if (MessageOrigin.RefusalOf(IssuerKeys.None, signed, 0) is { } refusal)
        {
            Promise(refusal.Code == RecoveryErrorCode.BadSignature, $"A message without a key is refused with {refusal.Id}.");
        }
    }

    private static void LedgerLine(byte[] input)
    {
        if (!LedgerCodec.TryRead(input, out var record, out var error))
        {
            throw new RecoveryException(error);
        }

        var written = LedgerCodec.Write(record);
        Promise(LedgerCodec.TryRead(written, out var again, out var refusal), $"What was written is refused: {refusal}");
        Promise(LedgerCodec.Write(again!).SequenceEqual(written), "Written twice, it differs.");
    }

    private static void Ledger(byte[] input)
    {
        var verifier = new LedgerVerifier();
        if (!verifier.CheckLines(input))
        {
            Promise(verifier.Fault is { What.Length: > 0 }, "A ledger is not sound, and nobody says why.");
            throw RecoveryException.Of(RecoveryErrorCode.BrokenLedger, $"{verifier.Fault!.Kind} {verifier.Fault.What}", "It proves nothing.", "Compare it.");
        }
    }

    // Whatever a record says, the fold of issuers' conduct takes it.
    private static void Conduct(byte[] input)
    {
        var record = LedgerChain.Read(input);
        var conduct = TenantConduct.Empty(SignalPolicy.Default).With(record).With(record);
        var times = RecoveryTimes.Empty.With(record).With(record);
        _ = ServiceObjective.Defaults.Select(objective => ObjectiveReport.Of(objective, times, record.At)).ToList();
        IssuerStatus.Of(conduct, IssuerKeys.None, record.At);
        IssuerStatus.Of(conduct, IssuerKeys.None, 0);
    }

    private static void Head(byte[] input)
    {
        if (!PublishedHead.TryRead(input, out var head, out var error))
        {
            throw new RecoveryException(error);
        }

        RoundTrip(head, value => value.Write(), bytes => PublishedHead.TryRead(bytes, out var again, out _) ? again : throw new BrokenPromiseException("What was written is refused."));
        var verifier = new LedgerVerifier(new LedgerTrust(PublishedHeads: [head]));
        verifier.CheckLines(Seeds.Ledgers[0]);
    }

    // Whatever it is, nobody who has no key of the tenant proves anything with it.
    private static void Evidence(byte[] envelope, byte[] bom)
    {
        var isGood = CapabilityVerifier.TryVerify(
            CapabilityId.Parse($"hotel/{new string('a', 64)}"), new CapabilityEvidence(envelope, bom), IssuerKeys.None, new HashSet<TrustedBuilder>(), 0, out _, out var error);
        Promise(!isGood, "Evidence is good without a key.");
        if (error!.Code != RecoveryErrorCode.UntrustedEvidence) // which has the form of evidence
        {
            throw new RecoveryException(error);
        }
    }

    private static void GivenRecord(byte[] input)
    {
        try
        {
            using var document = JsonDocument.Parse(input);
            AgentEventJson.Parse(document.RootElement);
        }
        catch (JsonException malformed)
        {
            throw RecoveryException.Of(RecoveryErrorCode.SchemaViolation, malformed.Message, "It was refused.", "Send a record.");
        }
    }

    private static void Canonical(byte[] input)
    {
        var written = CanonicalJson.Write(input);
        Promise(CanonicalJson.Write(written).SequenceEqual(written), "The canonical form of the canonical form differs.");
    }

    private static void Terms(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        var normal = TermText.Normalize(text);
        Promise(normal.Length == 0 || TermText.TryValidate("name", normal, out _), $"What was made a name is none: {normal}");
        var agent = TermParser.Parse<AgentId>(text);
        Promise(agent.Text == text && TermParser.Parse<AgentId>(agent.Text) == agent, "A name is another one when it is read again.");
    }

    private static void Key(byte[] input)
    {
        try
        {
            var key = JsonSerializer.Deserialize<PublicKey>(input);
            if (key is not null)
            {
                key.Verifies("x"u8, "AAAA");
                Promise(JsonSerializer.Deserialize<PublicKey>(JsonSerializer.SerializeToUtf8Bytes(key)) == key, "A key is another one when it is read again.");
            }
        }
        catch (JsonException malformed)
        {
            throw RecoveryException.Of(RecoveryErrorCode.BadImport, malformed.Message, "It was refused.", "Give a JWK.");
        }
    }

    private static void RoundTrip<T>(T value, Func<T, byte[]> write, Func<byte[], T> read)
    {
        var written = write(value);
        T again;
        try
        {
            again = read(written);
        }
        catch (RecoveryException refused)
        {
            throw new BrokenPromiseException($"What was written is refused: {refused.Error}");
        }

        Promise(write(again).SequenceEqual(written), "Written twice, it differs.");
    }

    private static void Promise(bool holds, string what)
    {
        if (!holds)
        {
            throw new BrokenPromiseException(what);
        }
    }

    // Numbers, quoted values, and words of inputs: what is left is the sentence.
    [GeneratedRegex(@"'[^']*'|""[^""]*""|\$[^ ]*|[0-9a-f]{8,}|[0-9]+|[^ -~]+|(issuer|agent|tenant|name|signal|key|execution|recovery) [^ ]+|:.*$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Varying();
}
