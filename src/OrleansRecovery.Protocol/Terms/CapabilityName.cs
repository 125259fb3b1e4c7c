using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>What agents and operators call a capability, whichever code it is: an agent class, or <c>class.action</c>, or a tool.</summary>
[JsonConverter(typeof(TextTermConverter<CapabilityName>))]
public readonly record struct CapabilityName : ITextTerm<CapabilityName>, IComparable<CapabilityName>
{
    private readonly string? _text;

    private CapabilityName(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "capability name";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static CapabilityName FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static CapabilityName Parse(string? text) => TermParser.Parse<CapabilityName>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(CapabilityName other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
