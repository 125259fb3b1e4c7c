using System.Text.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>What a bill of materials says (CycloneDX, JSON): which code it is of, and of how many components that is made.</summary>
/// <param name="Subjects">The SHA-256 digests of what it describes.</param>
/// <param name="ComponentCount">How many components it lists.</param>
public sealed record BillOfMaterials(IReadOnlyList<string> Subjects, int ComponentCount)
{
    private static readonly string[] Versions = ["1.4", "1.5", "1.6", "1.7"];

    /// <summary>Reads one. Never throws; <paramref name="fault"/> says, for people, why it is none.</summary>
    public static BillOfMaterials? TryRead(ReadOnlyMemory<byte> bytes, out string? fault)
    {
        if (bytes.Length > CapabilityEvidence.BomBytesMax)
        {
            fault = $"has {bytes.Length} bytes, more than {CapabilityEvidence.BomBytesMax}";
            return null;
        }

        using var document = EvidenceJson.TryParse(bytes);
        if (document is null)
        {
            fault = "is no JSON, or repeats a member";
            return null;
        }

        var root = document.RootElement;
        var described = EvidenceJson.Member(EvidenceJson.Member(root, "metadata"), "component");
        fault = EvidenceJson.Text(root, "bomFormat") != "CycloneDX" ? "is no CycloneDX: bomFormat"
            : !Versions.Contains(EvidenceJson.Text(root, "specVersion"), StringComparer.Ordinal) ? $"has another specVersion than {string.Join(", ", Versions)}"
            : !IsComponent(described) ? "does not say in metadata.component what it describes, with type and name"
            : EvidenceJson.Member(root, "components").ValueKind != JsonValueKind.Array ? "has no list of components"
            : !EvidenceJson.Items(root, "components").All(IsComponent) ? "has a component without type or name"
            : null;
        return fault is null ? new BillOfMaterials(DigestsOf(described), EvidenceJson.Items(root, "components").Count()) : null;
    }

    private static bool IsComponent(JsonElement component) =>
        EvidenceJson.Text(component, "type") is { Length: > 0 } && EvidenceJson.Text(component, "name") is { Length: > 0 };

    private static List<string> DigestsOf(JsonElement component) =>
        [.. EvidenceJson.Items(component, "hashes").Where(hash => EvidenceJson.Text(hash, "alg") == "SHA-256").Select(hash => EvidenceJson.Text(hash, "content")).Where(CapabilityId.IsDigest).Select(digest => digest!)];
}
