using System.Buffers;
using System.Text.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>
/// What an in-toto statement (version 1) with SLSA provenance (version 1) says: which code, built by whom, with which bill of materials among its by-products. Members that
/// this build does not know are left to others, as in-toto asks for.
/// </summary>
/// <param name="Subjects">The digests of what was built.</param>
/// <param name="Builder">What built it.</param>
/// <param name="ByProducts">The digests of what else came out, such as the bill of materials.</param>
public sealed record ProvenanceStatement(IReadOnlyList<string> Subjects, string Builder, IReadOnlyList<string> ByProducts)
{
    /// <summary>The one type of a statement.</summary>
    public const string Type = "https://in-toto.io/Statement/v1";

    /// <summary>The one type of a predicate.</summary>
    public const string PredicateType = "https://slsa.dev/provenance/v1";

    /// <summary>Longest id of a builder, in characters.</summary>
    public const int BuilderLengthMax = 1_024;

    /// <summary>The statement that this code was built by a builder, with this bill of materials: what <see cref="TryRead"/> reads.</summary>
    /// <param name="name">What the code is called, such as the name of its file.</param>
    /// <param name="digest">The code's SHA-256.</param>
    /// <param name="builder">The builder's id, a URI.</param>
    /// <param name="bomDigest">The bill's SHA-256.</param>
    public static byte[] Write(string name, string digest, string builder, string bomDigest)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("_type", Type);
            json.WriteStartArray("subject");
            WriteResource(json, name, digest);
            json.WriteEndArray();
            json.WriteString("predicateType", PredicateType);
            json.WriteStartObject("predicate");
            json.WriteStartObject("buildDefinition");
            json.WriteString("buildType", "https://github.com/slsa-framework/slsa/blob/main/docs/provenance/v1.md");
            json.WriteStartObject("externalParameters");
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartObject("runDetails");
            json.WriteStartObject("builder");
            json.WriteString("id", builder);
            json.WriteEndObject();
            json.WriteStartArray("byproducts");
            WriteResource(json, "sbom", bomDigest);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads one. Never throws; <paramref name="fault"/> says, for people, why it is none.</summary>
    public static ProvenanceStatement? TryRead(ReadOnlyMemory<byte> payload, out string? fault)
    {
        using var document = EvidenceJson.TryParse(payload);
        if (document is null)
        {
            fault = "is no JSON, or repeats a member";
            return null;
        }

        var root = document.RootElement;
        var run = EvidenceJson.Member(EvidenceJson.Member(root, "predicate"), "runDetails");
        var builder = EvidenceJson.Text(EvidenceJson.Member(run, "builder"), "id");
        fault = EvidenceJson.Text(root, "_type") != Type ? $"has another _type than {Type}"
            : EvidenceJson.Text(root, "predicateType") != PredicateType ? $"has another predicateType than {PredicateType}"
            : EvidenceJson.Member(root, "predicate").ValueKind != JsonValueKind.Object ? "has no predicate"
            : builder is not { Length: > 0 and <= BuilderLengthMax } ? "names no builder in predicate.runDetails.builder.id"
            : null;
        return fault is null ? new ProvenanceStatement(DigestsOf(EvidenceJson.Items(root, "subject")), builder!, DigestsOf(EvidenceJson.Items(run, "byproducts"))) : null;
    }

    private static List<string> DigestsOf(IEnumerable<JsonElement> resources) =>
        [.. resources.Select(resource => EvidenceJson.Text(EvidenceJson.Member(resource, "digest"), "sha256")).Where(CapabilityId.IsDigest).Select(digest => digest!)];

    private static void WriteResource(Utf8JsonWriter json, string name, string digest)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteStartObject("digest");
        json.WriteString("sha256", digest);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
