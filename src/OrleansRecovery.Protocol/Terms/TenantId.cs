using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>The boundary that no message, dependency, signal or rollback crosses unless an explicit grant says so (recovery model, section 1).</summary>
[JsonConverter(typeof(TextTermConverter<TenantId>))]
public readonly record struct TenantId : ITextTerm<TenantId>, IComparable<TenantId>
{
    private readonly string? _text;

    private TenantId(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "tenant";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static TenantId FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static TenantId Parse(string? text) => TermParser.Parse<TenantId>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(TenantId other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
