using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>The unique id of a failure signal; the replay window is checked against it (recovery model, section 4).</summary>
[JsonConverter(typeof(TextTermConverter<SignalId>))]
public readonly record struct SignalId : ITextTerm<SignalId>, IComparable<SignalId>
{
    private readonly string? _text;

    private SignalId(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "signal id";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static SignalId FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static SignalId Parse(string? text) => TermParser.Parse<SignalId>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(SignalId other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
