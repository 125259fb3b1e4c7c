using System.Text;
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

    // What a short form leaves out: it is the same in every message of the recovery, or stands in the line above.
    private static readonly HashSet<string> Common = new(["ver", "type", "recovery", "epoch", "agent", "execution", "tenant"], StringComparer.Ordinal);

    private readonly List<string> _lines = [];
    private int _messageCount;

    /// <summary>The messages, in the order in which they were written down.</summary>
    public List<RecoveryMessage> Messages { get; } = [];

    /// <summary>The kinds whose messages are shown whole; of the others only what is their own.</summary>
    public HashSet<RecoveryMessageKind> Whole { get; init; } = [.. Enum.GetValues<RecoveryMessageKind>()];

    /// <summary>Is everything written down, or nothing for now?</summary>
    public bool IsSilent { get; set; }

    /// <summary>What happened so far.</summary>
    public IReadOnlyList<string> Lines => _lines;

    private void Say(string from, string to, RecoveryMessage message, string remark = "")
    {
        if (IsSilent)
        {
            return;
        }

        Messages.Add(message);
        var written = MessageCodec.Write(Sample.Addressed(message));
        var head = $"{++_messageCount,2}. {from} -> {to}: {JsonNamingPolicy.SnakeCaseLower.ConvertName($"{message.Kind}")}{remark}";
        if (Whole.Contains(message.Kind))
        {
            _lines.Add(head);
            _lines.AddRange(DraftText.Broken(written, Indent));
            return;
        }

        using var document = JsonDocument.Parse(written);
        var own = new JsonObject(document.RootElement.EnumerateObject().Where(member => !Common.Contains(member.Name))
            .Select(member => KeyValuePair.Create(member.Name, JsonNode.Parse(member.Value.GetRawText()))));
        var rest = own.Count == 0 ? [] : DraftText.Broken(Encoding.UTF8.GetBytes(own.ToJsonString().Insert(1, "...,")), Indent).ToList();
        var fits = rest is [var only] && head.Length + 1 + only.Trim().Length <= DraftText.ColumnsMax;
        _lines.AddRange(fits ? [$"{head} {rest[0].Trim()}"] : [head, .. rest]);
    }

    private void Note(string who, string what, IReadOnlyList<string> written)
    {
        if (!IsSilent)
        {
            var verb = who is "coordinator" or "execution" ? "records" : "writes";
            var records = written.Count > 0 ? $", {verb} {string.Join(" and ", written)}" : "";
            _lines.AddRange(DraftText.Fill(new string(' ', Indent), $"[{who}: {what}{records}]".Split(' '), Indent + 1));
        }
    }

    private void Heading(string what)
    {
        if (!IsSilent)
        {
            _lines.Add($"    --- {what}");
        }
    }
}
