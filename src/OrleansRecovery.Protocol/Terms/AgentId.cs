using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>A stateful actor that takes part in an execution (recovery model, section 1). Unique within the execution.</summary>
[JsonConverter(typeof(TextTermConverter<AgentId>))]
public readonly record struct AgentId : ITextTerm<AgentId>, IComparable<AgentId>
{
    private readonly string? _text;

    private AgentId(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "agent";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static AgentId FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static AgentId Parse(string? text) => TermParser.Parse<AgentId>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(AgentId other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
