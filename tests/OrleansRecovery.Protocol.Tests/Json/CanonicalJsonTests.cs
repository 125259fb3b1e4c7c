using System.Text;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Tests.Json;

public sealed class CanonicalJsonTests
{
    // RFC 8785, section 3.2.2, without its numbers: they are no integers.
    [Fact]
    public void Strings_and_literals_are_written_as_in_the_rfc() => Assert.Equal(
        """{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}""",
        Canonical("""
            {
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """));

    // RFC 8785, section 3.2.3.
    [Fact]
    public void Members_are_sorted_by_utf16_code_units_as_in_the_rfc() => Assert.Equal(
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"\u00f6\":\"Latin Small Letter O With Diaeresis\",\"\u20ac\":\"Euro Sign\"," +
        "\"\ud83d\ude00\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
        Canonical("""
            {
              "\u20ac": "Euro Sign",
              "\r": "Carriage Return",
              "\ufb33": "Hebrew Letter Dalet With Dagesh",
              "1": "One",
              "\ud83d\ude00": "Emoji: Grinning Face",
              "\u0080": "Control",
              "\u00f6": "Latin Small Letter O With Diaeresis"
            }
            """));

    // RFC 8785, appendix B: those of its numbers that are safe integers.
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("9007199254740991", "9007199254740991")]
    [InlineData("-9007199254740991", "-9007199254740991")]
    public void Safe_integers_are_written_as_in_the_rfc(string number, string expected) => Assert.Equal(expected, Canonical(number));

    // The others of section 3.2.2 and appendix B, and forms that no writer of ours uses.
    [Theory]
    [InlineData("9007199254740992")]
    [InlineData("-9007199254740992")]
    [InlineData("9223372036854775807")]
    [InlineData("-9223372036854775808")]
    [InlineData("295147905179352830000")]
    [InlineData("5e-324")]
    [InlineData("1.7976931348623157e+308")]
    [InlineData("333333333.33333329")]
    [InlineData("1E30")]
    [InlineData("4.50")]
    [InlineData("2e-3")]
    [InlineData("1.0")]
    [InlineData("1e2")]
    [InlineData("-0.0")]
    public void Other_numbers_are_refused(string number) => AssertRefused(number);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("1 2")]
    [InlineData("{\"a\":1}x")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("{\"a\":1,\"\\u0061\":2}")]
    [InlineData("NaN")]
    [InlineData("// no comments\n1")]
    public void What_is_not_one_value_with_distinct_members_is_refused(string text) => AssertRefused(text);

    [Fact]
    public void Nesting_has_a_limit()
    {
        var deepest = string.Concat(Enumerable.Repeat("[", CanonicalJson.DepthMax)) + string.Concat(Enumerable.Repeat("]", CanonicalJson.DepthMax));

        Assert.Equal(deepest, Canonical(deepest));
        AssertRefused($"[{deepest}]");
        AssertRefused(new string('[', 100_000));
    }

    [Fact]
    public void Control_characters_are_escaped_and_nothing_else_is()
    {
        var characters = Enumerable.Range(0, 0x250).Select(code => (char)code).ToArray();
        var json = System.Text.Json.JsonSerializer.Serialize(new string(characters));

        var canonical = Canonical(json);

        Assert.Equal(32 + 2, canonical.Count(character => character == '\\') - 1);
        Assert.Contains("\\u0000", canonical, StringComparison.Ordinal);
        Assert.Contains("\\u001f !\\\"#", canonical, StringComparison.Ordinal);
        Assert.Contains("~\u007f\u0080", canonical, StringComparison.Ordinal);
        Assert.Equal(new string(characters), System.Text.Json.JsonSerializer.Deserialize<string>(canonical));
    }

    [Fact]
    public void A_canonical_text_stays_as_it_is() => Prop.ForAll(Value(3).ToArbitrary(), value =>
    {
        var once = Canonical(Text(value, index => index));

        Assert.Equal(once, Canonical(once));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_order_of_members_does_not_matter() => Prop.ForAll(Value(3).ToArbitrary(), value =>
        Assert.Equal(Canonical(Text(value, index => index)), Canonical(Text(value, index => -index)))).QuickCheckThrowOnFailure();

    private static string Canonical(string json) => Encoding.UTF8.GetString(CanonicalJson.Write(Encoding.UTF8.GetBytes(json)));

    private static void AssertRefused(string text)
    {
        var refused = Assert.Throws<RecoveryException>(() => Canonical(text));
        Assert.Equal(RecoveryErrorCode.MalformedJson, refused.Error.Code);
        Assert.NotEmpty(refused.Error.NextStep);
    }

    // A value is an integer, a string, a list, or members by name.
    private static Gen<object> Value(int depth)
    {
        var leaf = Gen.OneOf(
            Gen.Choose(-1000, 1000).Select(object (number) => number),
            Name().Select(object (text) => text));
        if (depth == 0)
        {
            return leaf;
        }

        var inner = Value(depth - 1);
        var list = from count in Gen.Choose(0, 4) from items in Gen.ArrayOf(inner, count) select (object)items;
        var members =
            from count in Gen.Choose(0, 5)
            from names in Gen.ArrayOf(Name(), count)
            from values in Gen.ArrayOf(inner, count)
            select (object)names.Zip(values).DistinctBy(member => member.First, StringComparer.Ordinal).ToArray();
        return Gen.OneOf(leaf, list, members);
    }

    private static Gen<string> Name() =>
        from count in Gen.Choose(0, 4)
        from parts in Gen.ArrayOf(Gen.Elements("a", "b", "\"", "\\", "\n", "\u0001", "\u00e9", "\u20ac", "\ufb33", "\ud83d\ude00", "/"), count)
        select string.Concat(parts);

    private static string Text(object value, Func<int, int> order) => value switch
    {
        int number => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
        string text => System.Text.Json.JsonSerializer.Serialize(text),
        (string, object)[] members =>
            $"{{ {string.Join(" , ", members.Index().OrderBy(member => order(member.Index)).Select(member => $"{Text(member.Item.Item1, order)} : {Text(member.Item.Item2, order)}"))} }}",
        object[] items => $"[{string.Join(" , ", items.Select(item => Text(item, order)))}]",
        _ => throw new ArgumentException(value.GetType().Name, nameof(value)),
    };
}
