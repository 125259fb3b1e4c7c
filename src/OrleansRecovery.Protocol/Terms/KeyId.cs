using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>Names a signing key of an issuer or of the ledger.</summary>
[JsonConverter(typeof(TextTermConverter<KeyId>))]
public readonly record struct KeyId : ITextTerm<KeyId>, IComparable<KeyId>
{
    private readonly string? _text;

    private KeyId(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "key id";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static KeyId FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static KeyId Parse(string? text) => TermParser.Parse<KeyId>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(KeyId other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
