using System.Buffers;
using System.Text;

namespace OrleansRecovery.Fuzz;

/// <summary>Makes inputs: from good ones by small and large changes, and from nothing by the grammar of JSON with the words of the product.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<string> words)
{
    private const int LengthMax = 64 * 1024;

    private static readonly SearchValues<byte> Beginnings = SearchValues.Create("\"0123456789tfn[{"u8);

    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1", "1.5", "1e400", "-0", "9007199254740991", "9007199254740992", "9223372036854775808", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\"*\"", "{}", "[]",
        "\"\\u202e\"", "[null]", "{\"\":0}", "\"1\"", "00", "NaN", "\"<script>\"",
    ];

    private static readonly byte[][] Bytes =
        ["\0"u8.ToArray(), [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf], "\r\n"u8.ToArray(), "\\u"u8.ToArray(), "\""u8.ToArray(), "{"u8.ToArray(), "]"u8.ToArray(), "..."u8.ToArray(), "="u8.ToArray()];

    public byte[] Next(IReadOnlyList<byte[]> pool)
    {
        if (pool.Count == 0 || random.Next(20) == 0)
        {
            return Encoding.UTF8.GetBytes(Json(random.Next(1, 7)));
        }

        var input = Pick(pool);
        for (var changes = random.Next(2) == 0 ? 1 : random.Next(1, 5); changes > 0; changes--)
        {
            input = Change(input, pool);
        }

        return input.Length <= LengthMax ? input : input[..LengthMax];
    }

    public string Word() => Pick(words);

    public string Json(int depth) => (depth <= 0 ? 5 : random.Next(6)) switch
    {
        0 => $"[{string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Json(depth - 1)))}]",
        1 or 2 or 3 => $"{{{string.Join(',', Enumerable.Range(0, random.Next(6)).Select(_ => $"\"{Word()}\":{Json(depth - 1)}"))}}}",
        4 => $"\"{Word()}\"",
        _ => Pick(Values),
    };

    public T Pick<T>(IReadOnlyList<T> items) => items[random.Next(items.Count)];

    public int Below(int count) => random.Next(count);

    private byte[] Change(byte[] input, IReadOnlyList<byte[]> pool)
    {
        if (input.Length == 0)
        {
            return Pick(Bytes);
        }

        var at = random.Next(input.Length);
        var length = random.Next(1, Math.Min(input.Length - at, random.Next(4) == 0 ? 200 : 8) + 1);
        switch (random.Next(11))
        {
            case 0:
                var flipped = input.ToArray();
                flipped[at] ^= (byte)(1 << random.Next(8));
                return flipped;
            case 1:
                return [.. input[..at], .. input[(at + length)..]];
            case 2:
                return [.. input[..at], .. Pick(Bytes), .. input[at..]];
            case 3:
                return [.. input[..at], .. input[at..(at + length)], .. input[at..]];
            case 4:
                return input[..at];
            case 5:
                var other = Pick(pool);
                return [.. input[..at], .. other[Math.Min(other.Length, at)..]];
            case 6:
                return Deepen(input, at);
            default:
                return ReplaceToken(input, at);
        }
    }

    private byte[] Deepen(byte[] input, int at)
    {
        var depth = random.Next(8) == 0 ? random.Next(2_000) : random.Next(80);
        var open = random.Next(2) == 0 ? "[" : "{\"a\":";
        var close = open == "[" ? "]" : "}";
        return [.. input[..at], .. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(open, depth)) + "1" + string.Concat(Enumerable.Repeat(close, depth))), .. input[at..]];
    }

    // The value, the name or the number that begins behind a place, by another one: so the form stays right, and the meaning changes.
    private byte[] ReplaceToken(byte[] input, int at)
    {
        var begin = at + input.AsSpan(at).IndexOfAny(Beginnings);
        if (begin < at)
        {
            return [.. input, .. Pick(Bytes)];
        }

        var rest = input.AsSpan(begin);
        int end;
        if (rest[0] == (byte)'"')
        {
            var close = rest[1..].IndexOf((byte)'"');
            end = close < 0 ? input.Length : begin + close + 2;
            if (end < input.Length && input[end] == (byte)':')
            {
                return [.. input[..begin], .. Encoding.UTF8.GetBytes($"\"{Word()}\""), .. input[end..]];
            }
        }
        else
        {
            var close = rest.IndexOfAny(",}]"u8);
            end = close < 0 ? input.Length : begin + close;
        }

        var value = random.Next(3) switch { 0 => Json(2), 1 => $"\"{Word()}\"", _ => Pick(Values) };
        return [.. input[..begin], .. Encoding.UTF8.GetBytes(value), .. input[end..]];
    }
}
