using System.Text;
using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Writers;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using static OrleansRecovery.Draft.Tests.Kit.VectorFile;

namespace OrleansRecovery.Draft.Tests.Kit;

/// <summary>Texts, and whether they are messages: with the canonical form of those that are, and the error of the others.</summary>
internal static class MessageVectors
{
    private const string Small = """{"agent":"a","epoch":1,"execution":"trip","reason":"operator","recovery":"r1","tenant":"t","type":"abort","ver":1}""";

    private static readonly (string What, string Text)[] Texts =
    [
        .. Enum.GetValues<RecoveryMessageKind>().Select(kind => ($"example of {WireNames.Of(kind)}", Encoding.UTF8.GetString(MessageCodec.Write(MessageExamples.Addressed(kind))))),
        ("white space and another order", """{ "ver": 1, "type": "abort", "reason": "operator", "agent": "a", "execution": "trip", "recovery": "r1", "epoch": 1, "tenant": "t" }"""),
        ("an escape that is not needed", Changed("\"operator\"", "\"oper\\u0061tor\"")),
        ("an unknown member", Changed("\"ver\":1", "\"later\":{\"x\":[1.5,null]},\"ver\":1")),
        ("an unknown member marked critical", Changed("\"ver\":1", "\"crit\":[\"later\"],\"later\":1,\"ver\":1")),
        ("a known member marked critical", Changed("\"ver\":1", "\"crit\":[\"reason\"],\"ver\":1")),
        ("an absent member marked critical", Changed("\"ver\":1", "\"crit\":[\"holder\"],\"ver\":1")),
        ("an empty list of critical members", Changed("\"ver\":1", "\"crit\":[],\"ver\":1")),
        ("a name marked critical twice", Changed("\"ver\":1", "\"crit\":[\"reason\",\"reason\"],\"ver\":1")),
        ("a member twice", Changed("\"ver\":1", "\"ver\":1,\"ver\":1")),
        ("a member twice, once escaped", Changed("\"ver\":1", "\"\\u0076er\":1,\"ver\":1")),
        ("a member twice in an unknown one", Changed("\"ver\":1", "\"later\":{\"x\":1,\"x\":2},\"ver\":1")),
        ("no version", Changed(",\"ver\":1", "")),
        ("an unknown version", Changed("\"ver\":1", "\"ver\":2")),
        ("a version that is no integer", Changed("\"ver\":1", "\"ver\":\"1\"")),
        ("an unknown type", Changed("\"abort\"", "\"abolish\"")),
        ("a type of another case", Changed("\"abort\"", "\"Abort\"")),
        ("a mandatory member is missing", Changed("\"agent\":\"a\",", "")),
        ("no tenant", Changed(",\"tenant\":\"t\"", "")),
        ("no execution", Changed("\"execution\":\"trip\",", "")),
        ("null", Changed("\"agent\":\"a\"", "\"agent\":null")),
        ("a name with a space", Changed("\"agent\":\"a\"", "\"agent\":\"a b\"")),
        ("an empty name", Changed("\"agent\":\"a\"", "\"agent\":\"\"")),
        ("a name of 128 characters", Changed("\"agent\":\"a\"", $"\"agent\":\"{new string('a', 128)}\"")),
        ("a name of 129 characters", Changed("\"agent\":\"a\"", $"\"agent\":\"{new string('a', 129)}\"")),
        ("a negative number", Changed("\"epoch\":1", "\"epoch\":-1")),
        ("a number with a fraction", Changed("\"epoch\":1", "\"epoch\":1.0")),
        ("the largest number", Changed("\"epoch\":1", "\"epoch\":9007199254740991")),
        ("a larger number", Changed("\"epoch\":1", "\"epoch\":9007199254740992")),
        ("a number as a text", Changed("\"epoch\":1", "\"epoch\":\"1\"")),
        ("an unknown reason", Changed("\"operator\"", "\"weather\"")),
        ("an array", "[]"),
        ("two values", Small + "{}"),
        ("a comment", Changed("\"ver\":1", "\"ver\":1/* one */")),
        ("a trailing comma", Changed("\"ver\":1", "\"ver\":1,")),
        ("half of a surrogate pair", Changed("\"operator\"", "\"\\ud800\"")),
        ("nothing", ""),
    ];

    public static string Write() => VectorFile.Write(Nodes(Texts.Select(JsonNode (item) => MessageCodec.TryRead(Encoding.UTF8.GetBytes(item.Text), out var message, out var error)
        ? new JsonObject { ["what"] = item.What, ["text"] = item.Text, ["canonical"] = Encoding.UTF8.GetString(MessageCodec.Write(message)) }
        : new JsonObject { ["what"] = item.What, ["text"] = item.Text, ["refused"] = System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName($"{error.Code}") })));

    private static string Changed(string what, string with)
    {
        var changed = Small.Replace(what, with, StringComparison.Ordinal);
        return changed == Small ? throw new InvalidOperationException($"{what} is not in the message.") : changed;
    }
}
