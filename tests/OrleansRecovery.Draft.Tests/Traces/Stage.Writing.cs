using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Writers;
using OrleansRecovery.Protocol.Tests.Support;
using OrleansRecovery.Protocol.Messages;

namespace OrleansRecovery.Draft.Tests.Traces;

/// <content>What is written down.</content>
internal sealed partial class Stage
{
    private const int Indent = 4;

    // What a trace leaves out: it is the same in every message of the recovery, stands at the head of the line, or decides nothing here.
    private static readonly HashSet<string> LeftOut = new(
        ["ver", "type", "recovery", "agent", "execution", "tenant", "issuer", "incarnation", "detected_at", "expires_at", "attempts", "intervals"], StringComparer.Ordinal);

    // Members of objects that a trace shows as their parts, in this order.
    private static readonly List<string> Order =
        ["agent", "issuer", "producer", "sender", "number", "from", "below", "sequence", "action", "name", "class", "progress", "to", "message", "signal", "reason"];

    // Inputs that the message before them says already.
    private static readonly HashSet<string> Told = new(
        [.. Enum.GetNames<RecoveryMessageKind>(), "Voted", "CompensationReported", "RestoreReported"], StringComparer.Ordinal);

    private readonly List<string> _lines = [];
    private readonly List<string> _words = [];
    private int _messageCount;
    private string? _recovery;

    /// <summary>The messages, in the order in which they were written down.</summary>
    public List<RecoveryMessage> Messages { get; } = [];

    /// <summary>Is everything written down, or nothing for now?</summary>
    public bool IsSilent { get; set; }

    /// <summary>What happened so far.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            Write();
            return _lines;
        }
    }

    private void Say(string from, string to, RecoveryMessage message, string remark = "")
    {
        if (IsSilent)
        {
            return;
        }

        Write();
        Messages.Add(message);
        var members = JsonNode.Parse(MessageCodec.Write(Sample.Addressed(message)))!.AsObject();
        var name = JsonNamingPolicy.SnakeCaseLower.ConvertName($"{message.Kind}");
        var recovery = members["recovery"]?.GetValue<string>() ?? _recovery;
        string[] change = recovery == _recovery ? [] : [$"recovery={recovery}"]; // it holds until another is named
        _recovery = recovery;
        _words.AddRange([$"{++_messageCount,2}.", from, "->", to + ":", name + remark, .. change, .. Own(members)]);
    }

    private void Note(string who, string what, IReadOnlyList<string> written)
    {
        if (!IsSilent)
        {
            var verb = who is "coordinator" or "execution" ? "records" : "writes";
            var records = written.Count > 0 ? $", {verb} {string.Join(", ", written)}" : "";
            var told = Told.FirstOrDefault(input => what.StartsWith(input + " ", StringComparison.Ordinal)) ?? "";
            _words.AddRange($"[{who}: {what[told.Length..].TrimStart()}{records}]".Split(' '));
        }
    }

    private void Heading(string what)
    {
        if (!IsSilent)
        {
            Write();
            _words.AddRange($"--- {what}".Split(' '));
        }
    }

    // A message and what follows from it stand together.
    private void Write()
    {
        if (_words.Count > 0)
        {
            _lines.AddRange(DraftText.Fill("", _words, Indent));
            _words.Clear();
        }
    }

    // The members that a message has of its own: no empty lists, nothing that is false or the first epoch.
    private static IEnumerable<string> Own(JsonObject message) => message.SelectMany(member =>
        member.Key == "trace" ? Own(member.Value!.AsObject())
            : LeftOut.Contains(member.Key) || member.Value is JsonArray { Count: 0 } || Short(member.Value!) == "false" || (member.Key == "epoch" && Short(member.Value!) == "0") ? []
            : new[] { $"{member.Key}={Short(member.Value!)}" });

    private static string Short(JsonNode value) => value switch
    {
        JsonArray list => $"({string.Join(",", list.Select(item => Short(item!)))})", // a word in square brackets is taken for a reference
        JsonObject members => string.Join('/', members.OrderBy(member => Order.IndexOf(member.Key)).Select(member => Short(member.Value!))),
        _ => value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString(),
    };
}
