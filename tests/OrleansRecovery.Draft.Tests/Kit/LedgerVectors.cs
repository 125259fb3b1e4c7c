using System.Text;
using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Traces;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Tests.Support;
using static OrleansRecovery.Draft.Tests.Kit.VectorFile;

namespace OrleansRecovery.Draft.Tests.Kit;

/// <summary>The ledger of the first trace: each record, the bytes that are hashed, and the hash. And what a verifier says of ledgers that were changed.</summary>
internal static class LedgerVectors
{
    private const long Start = 1_795_262_400_000;

    public static string Write()
    {
        var lines = Lines();
        return VectorFile.Write(new JsonObject
        {
            ["tenant"] = Sample.Tenant.Text,
            ["records"] = Nodes(lines.Select(JsonNode (line) =>
            {
                var record = LedgerChain.Read(line);
                return new JsonObject
                {
                    ["record"] = JsonNode.Parse(line),
                    ["hashed"] = Text(LedgerCodec.Write(record with { Hash = null })),
                    ["hash"] = LedgerChain.HashOf(record),
                    ["line"] = Text(line),
                };
            })),
            ["ledgers"] = Nodes(Changed(lines).Select(JsonNode (item) =>
            {
                var verifier = new LedgerVerifier();
                var sound = item.Lines.TakeWhile(line => verifier.Check(line)).Count();
                return new JsonObject { ["what"] = item.What, ["lines"] = List(item.Lines.Select(Text)), ["sound"] = sound, ["is_sound"] = verifier.Fault is null };
            })),
        });
    }

    /// <summary>The ledger: the first record introduces a key, the others are those of the trace.</summary>
    public static IReadOnlyList<byte[]> Lines()
    {
        var key = PublicKey.Of([.. Enumerable.Range(1, 32).Select(i => (byte)i)], [.. Enumerable.Range(33, 32).Select(i => (byte)i)]);
        var entries = TraceWriter.HappyStage().Ledger.Prepend(new LedgerEntry(RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(key))));
        var (head, lines) = (LedgerHead.Empty, new List<byte[]>());
        foreach (var entry in entries)
        {
            (_, var line, head) = LedgerChain.Append(head, Sample.Tenant, entry, Start + lines.Count);
            lines.Add(line);
        }

        return lines;
    }

    private static IEnumerable<(string What, IReadOnlyList<byte[]> Lines)> Changed(IReadOnlyList<byte[]> lines)
    {
        yield return ("nothing was changed", lines);
        yield return ("a time in record 3 was changed", [.. lines.Select((line, i) => i == 3 ? Replaced(line, "\"at\":1", "\"at\":2") : line)]);
        yield return ("record 4 was taken out", [.. lines.Where((_, i) => i != 4)]);
        yield return ("records 5 and 6 changed places", [.. lines.Take(5), lines[6], lines[5], .. lines.Skip(7)]);
        yield return ("record 2 stands twice", [.. lines.Take(3), .. lines.Skip(2)]);
        yield return ("record 1 has white space", [.. lines.Select((line, i) => i == 1 ? Replaced(line, "{\"actor\":", "{ \"actor\":") : line)]);
    }

    private static byte[] Replaced(byte[] line, string what, string with)
    {
        var text = Text(line);
        Assert.Contains(what, text, StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(text.Replace(what, with, StringComparison.Ordinal));
    }

    private static string Text(byte[] utf8) => Encoding.UTF8.GetString(utf8);
}
