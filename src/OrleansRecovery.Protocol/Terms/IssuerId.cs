using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>Who signed a signal or took a decision: a monitor, an agent, an operator.</summary>
[JsonConverter(typeof(TextTermConverter<IssuerId>))]
public readonly record struct IssuerId : ITextTerm<IssuerId>, IComparable<IssuerId>
{
    private readonly string? _text;

    private IssuerId(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "issuer";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static IssuerId FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static IssuerId Parse(string? text) => TermParser.Parse<IssuerId>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(IssuerId other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
