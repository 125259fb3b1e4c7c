using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>One coordinated rollback, from accepted signal to final outcome. Ordinal order is age: an id begins with its time of creation (UUIDv7), so the older of two coordinators is the one with the lower id.</summary>
[JsonConverter(typeof(TextTermConverter<RecoveryId>))]
public readonly record struct RecoveryId : ITextTerm<RecoveryId>, IComparable<RecoveryId>
{
    private readonly string? _text;

    private RecoveryId(string text) => _text = text;

    /// <inheritdoc/>
    public static string Term => "recovery id";

    /// <inheritdoc/>
    public string Text => _text ?? string.Empty;

    /// <inheritdoc/>
    public static RecoveryId FromValidated(string text) => new(text);

    /// <summary>Reads the name.</summary>
    /// <exception cref="Errors.RecoveryException">It breaks the rule for names (<see cref="TermText"/>).</exception>
    public static RecoveryId Parse(string? text) => TermParser.Parse<RecoveryId>(text);

    /// <summary>Ordinal order of the texts: the same on every machine.</summary>
    public int CompareTo(RecoveryId other) => string.CompareOrdinal(Text, other.Text);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => Text;
}
