using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>One run of cooperating agents towards one goal; the unit that has a coordinator (recovery model, section 1).</summary>
[JsonConverter(typeof(TextTermConverter<ExecutionId>))]
public readonly record struct ExecutionId : ITextTerm<ExecutionId>, IComparable<ExecutionId>
{
    private readonly string? _text;

    private ExecutionId(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "execution";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static ExecutionId FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static ExecutionId Parse(string? text) => TermParser.Parse<ExecutionId>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(ExecutionId other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
