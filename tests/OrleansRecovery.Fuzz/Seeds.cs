using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Fuzz;

/// <summary>Good inputs: the draft's vectors, and one of each kind that the vectors have not.</summary>
internal static partial class Seeds
{
    private const string Hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    public static IReadOnlyList<byte[]> Messages { get; } = Texts("messages.json", "text");

    public static IReadOnlyList<byte[]> SignedMessages { get; } = Sign();

    public static IReadOnlyList<byte[]> LedgerLines { get; } =
    [
        .. Texts("ledger.json", "line"), .. LedgerOf("completed", null), .. LedgerOf("aborted", "operator"), .. LedgerOf("aborted", "nothing_to_undo"),
    ];

    public static IReadOnlyList<byte[]> Ledgers { get; } =
        [[.. LedgerOf("completed", null).SelectMany(line => line.Append((byte)'\n'))], [.. Texts("ledger.json", "line").SelectMany(line => line.Append((byte)'\n'))]];

    public static IReadOnlyList<byte[]> Heads { get; } = [.. LedgerLines.Select(line => LedgerChain.Read(line)).Select(PublishedHead.Of).OfType<PublishedHead>().Select(head => head.Write())];

    public static IReadOnlyList<byte[]> AgentRecords { get; } =
    [
        .. new AgentEvent[]
        {
            new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, 5),
            new MessageSent(AgentId.Parse("b"), "Order", Json("""{"item":"room"}"""), DependencyKind.Message, DependencyStrength.Required, null, true, "k"),
            new ActionIntended("book", ActionClass.Compensatable, Json("[1]"), false, true),
            new ActionIntended(
                "pay", ActionClass.Pure, Json("1"), false, false, new GateRecord(new MessageId(AgentId.Parse("b"), SequenceNumber.First), GateStep.Action, new Charge(1, 2, 3), 5, "1", true, GateRefusal.NotAllowed)),
            new ActionIntended(
                "Order", ActionClass.Pure, Json("null"), false, false, new GateRecord(new MessageId(AgentId.Parse("b"), SequenceNumber.First), GateStep.Handler, default, 5, "1", Deadline: 9)),
            new ActionSettled(SequenceNumber.First, true, Json("1"), new Charge(1, 2, 3)),
            new OrleansRecovery.Protocol.Journal.Collected(
                CheckpointNumber.First, SequenceNumber.First, [new CarriedAccount(new MessageId(AgentId.Parse("b"), SequenceNumber.First), TaskBalance.Empty with { Spent = new Charge(1) }, 9)]),
        }.Select(AgentEventJson.Write),
        .. Objects("histories.json", "event").Concat(Objects("participant.json", "event")),
    ];

    public static IReadOnlyList<byte[]> ExecutionRecords { get; } =
    [
        .. new[]
        {
            new ExecutionRecord(new ExecutionStarted([new AssignedAgent(AgentId.Parse("a"), "probe", null)], RecoveryPolicy.Default, 5)),
            new ExecutionRecord(Input: new ExecutionInput.Paused(IssuerId.Parse("ann"), "lunch")),
            new ExecutionRecord(TakenOver: Epoch.First),
        }.Select(ExecutionLog.Write),
    ];

    public static IReadOnlyList<byte[]> Contracts { get; } = Utf8(
        """{"key":"k","objective":"Book a room.","allowed_actions":["book"],"input_scope":["city"],"output_schema":{"type":["object","null"],"required":["a"],"properties":{"a":{"enum":[1,"x"],"minLength":1}},"items":{"maximum":5}},"time_budget_milliseconds":1000,"cost_budget":{"calls":1,"tokens":2,"cost":3},"escalation":"rejected_result","revision_count_max":2,"failure_count_max":3,"requires_known_media_types":false}""");

    public static IReadOnlyList<byte[]> KeyRecords { get; } = [IssuerKeyJson.Write(IssuerKeyChange.Add(IssuerId.Parse("monitor"), NewKey(), 5, IssuerId.Parse("ann"), "enrolled"))];

    public static IReadOnlyList<byte[]> Bills { get; } = Utf8(
        $$$"""{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"library","name":"hotel","hashes":[{"alg":"SHA-256","content":"{{{new string('a', 64)}}}"}]}},"components":[{"type":"library","name":"x"}]}""");

    public static IReadOnlyList<byte[]> Provenance { get; } =
    [
        DsseEnvelope.Write(ProvenanceStatement.Write("hotel.dll", new string('a', 64), "https://builds.example", new string('b', 64)), KeyId.Parse("k"), new byte[64]),
    ];

    public static IReadOnlyList<byte[]> CapabilityRecords { get; } =
    [
        CapabilityJson.Write(CapabilityChange.Register(
            CapabilityId.Parse($"hotel/{new string('a', 64)}"), new CapabilityEvidence(Provenance[0], Bills[0]), 5, IssuerId.Parse("ann"), "built")),
        CapabilityJson.Write(CapabilityChange.Revoke(CapabilityId.Parse($"hotel/{new string('a', 64)}"), 5, IssuerId.Parse("ann"), "a hole")),
        CapabilityJson.Write(CapabilityChange.Trust(new TrustedBuilder(IssuerId.Parse("build"), "https://builds.example"), 5, IssuerId.Parse("ann"), "our builds")),
    ];

    public static IReadOnlyList<byte[]> Keys { get; } = [JsonSerializer.SerializeToUtf8Bytes(NewKey())];

    public static IReadOnlyList<byte[]> Requests { get; } = Utf8(
        """{"pause":true,"by":"ann","reason":"lunch"}""",
        """{"seal":{"agent":"hotel","number":1},"by":"ann","reason":"checked"}""",
        """{"decision":{"recovery":"r1","decision":0},"by":"ann","reason":"yes"}""",
        """{"signed":"a.b.c","by":"ann","reason":"signed"}""");

    public static IReadOnlyList<byte[]> Names { get; } = Utf8("hotel", "a.b_c:d@e~f+g-h", "@outside", "r1", new string('x', 128));

    public static IReadOnlyList<byte[]> AccessTables { get; } = Utf8("""{"acme":[{"who":"ann","may":["start","read","decide"]},{"who":"monitor","may":["signal"],"agents":["*","hotel"]}],"$revoked":["0A:bc"]}""");

    public static IReadOnlyList<byte[]> Policies { get; } = [SignalPolicyJson.Write(SignalPolicy.Default with { Scopes = [SignalScope.Parse("a", "*")], Exempt = [IssuerId.Parse("w")] }), .. Utf8("{}", """{"quota_burst":7,"tenants":{"acme":{"quota_burst":2},"globex":{}}}""")];

    public static IReadOnlyList<byte[]> Objectives { get; } = [ObjectivesJson.Write(ServiceObjective.Defaults)];

    public static IReadOnlyList<byte[]> WhoAndWhen { get; } = Utf8("""{"history":[{"name":"Orchestrator (thought)","content":"x"},{"role":"WebSurfer","content":"y"}],"mistake_step":"1"}""");

    public static IReadOnlyList<byte[]> WfCommons { get; } = Utf8("""{"workflow":{"specification":{"tasks":[{"id":"a","parents":[]},{"id":"b","parents":["a"]}]}}}""");

    public static IReadOnlyList<byte[]> Collected { get; } = Utf8("""{"id":"run","steps":[{"agent":"a"},{"agent":"b"}],"edges":[[0,1]],"writes_done":[[0,"x","one_shot"]],"mistake_step":1}""");

    /// <summary>All names of members and values that stand in good inputs, and some that stand in none.</summary>
    public static IReadOnlyList<string> Words { get; } =
    [
        .. new[] { Messages, LedgerLines, AgentRecords, ExecutionRecords, Contracts, KeyRecords, Keys, Requests, AccessTables, Policies, WhoAndWhen, WfCommons, Collected }
            .SelectMany(seeds => seeds).SelectMany(seed => Word().Matches(Encoding.UTF8.GetString(seed)).Select(word => word.Value.Trim('"'))).Where(word => word.Length < 80).Distinct(),
        "", "*", "@host", "@outside", "..", "%00", "a/b", "acme", "trip", "hotel", "silent", "echo", "constructor", "__proto__", new string('a', 129), "\\u0000", "é",
    ];

    public static string Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static byte[][] Utf8(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }

    private static PublicKey NewKey()
    {
        var coordinate = Convert.FromHexString(Hash); // no point of the curve: it is parsed, and verifies nothing
        return PublicKey.Of(coordinate, coordinate);
    }

    private static byte[][] Sign()
    {
        using var key = SigningKey.Ephemeral();
        return [.. Messages.Select(text => MessageCodec.TryRead(text, out var message, out _) ? message : null).OfType<AddressedMessage>().Select(message => key.Sign(message)).Take(10)];
    }

    private static List<byte[]> LedgerOf(string result, string? reason)
    {
        using var key = LedgerKey.Ephemeral();
        var tenant = TenantId.Parse("acme");
        var signer = new LedgerSigner(tenant, key);
        var (execution, recovery, head, lines) = (ExecutionId.Parse("trip"), RecoveryId.Parse("r1"), LedgerHead.Empty, new List<byte[]>());
        Add(signer.Introduce());
        Add(new LedgerEntry(RecoveryRecordKind.SignalAccepted, Json("""{"signal":"s1","suspect":"a/1"}"""), execution, null, IssuerId.Parse("monitor")));
        Add(new LedgerEntry(RecoveryRecordKind.SignalRefused, Json("""{"signal":"s2","refused":"REC0021"}"""), execution, null, IssuerId.Parse("monitor")));
        Add(new LedgerEntry(RecoveryRecordKind.RecoveryOpened, Json("""{"signals":["s1"]}"""), execution, recovery));
        if (result != "aborted")
        {
            Add(new LedgerEntry(RecoveryRecordKind.Decided, Json("""{"plan":1,"targets":{"a":1}}"""), execution, recovery));
        }

        Add(new LedgerEntry(RecoveryRecordKind.Outcome, Json($$"""{"result":"{{result}}","issuers":["monitor"]{{(reason is null ? "" : $",\"reason\":\"{reason}\"")}}}"""), execution, recovery));
        Add(TenantConduct.Reinstatement(IssuerId.Parse("monitor"), IssuerId.Parse("ann"), "mended"));
        Add(signer.Head(head));
        return lines;

        void Add(LedgerEntry entry)
        {
            (_, var line, head) = LedgerChain.Append(head, tenant, entry, 1_800_000_000_000);
            lines.Add(line);
        }
    }

    // Wherever it stands in the vectors.
    private static List<byte[]> Texts(string vectors, string member) =>
        [.. Find(Json(Resource($"vectors/{vectors}")), member).Where(value => value.ValueKind == JsonValueKind.String).Select(value => Encoding.UTF8.GetBytes(value.GetString()!))];

    private static List<byte[]> Objects(string vectors, string member) => [.. Holders(Json(Resource($"vectors/{vectors}")), member).Select(value => Encoding.UTF8.GetBytes(value.GetRawText()))];

    private static IEnumerable<JsonElement> Find(JsonElement value, string member) =>
        Holders(value, member).Select(holder => holder.GetProperty(member));

    private static IEnumerable<JsonElement> Holders(JsonElement value, string member)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            return value.EnumerateArray().SelectMany(item => Holders(item, member));
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        var inside = value.EnumerateObject().SelectMany(item => Holders(item.Value, member));
        return value.TryGetProperty(member, out _) ? inside.Prepend(value) : inside;
    }

    [GeneratedRegex(@"""[^""\\]*""", RegexOptions.NonBacktracking)]
    private static partial Regex Word();
}
