using System.CommandLine;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Cli.Commands;

/// <content>Makes evidence where a build has no tool of its own for it: for a build's script, and for trying things out.</content>
internal static partial class CapabilityCommand
{
    private static Command Attest()
    {
        var file = new Argument<string>("file") { Description = "The file of the code, such as an assembly" };
        var signWith = new Option<string>("--sign-with") { Description = "The signer's private key file", Required = true };
        var bom = new Option<string?>("--bom") { Description = "The bill of materials (CycloneDX, JSON); default: one that lists what the assembly refers to" };
        var output = new Option<string?>("--out") { Description = "Where the evidence goes: this name with .intoto.json and .cdx.json; default: the file's" };
        var command = new Command("attest", "Writes and signs the evidence of code: SLSA provenance in a DSSE envelope, and its bill of materials") { file, signWith, Builder, bom, output };
        command.Run(async (parsed, cancellationToken) =>
        {
            var code = parsed.GetRequiredValue(file);
            var digest = CodeDigest.OfNamed(code);
            var bill = parsed.GetValue(bom) is { } given ? await File.ReadAllBytesAsync(given, cancellationToken) : BillOf(code, digest);
            using var key = SigningKey.Open(parsed.GetRequiredValue(signWith));
            var envelope = key.Attest(ProvenanceStatement.Write(Path.GetFileName(code), digest, parsed.GetRequiredValue(Builder), ContentChecks.ChecksumOf(bill)));
            var name = parsed.GetValue(output) ?? code;
            await File.WriteAllBytesAsync($"{name}.intoto.json", envelope, cancellationToken);
            await File.WriteAllBytesAsync($"{name}.cdx.json", bill, cancellationToken);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.WriteJson(new { digest, provenance = $"{name}.intoto.json", bom = $"{name}.cdx.json" });
            }
            else
            {
                Terminal.WriteLine($"{digest}  {name}.intoto.json  {name}.cdx.json");
            }

            return Terminal.Done;
        });
        return command;
    }

    private static byte[] BillOf(string code, string digest) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        bomFormat = "CycloneDX",
        specVersion = "1.6",
        version = 1,
        metadata = new { component = new { type = "library", name = Path.GetFileName(code), hashes = new[] { new { alg = "SHA-256", content = digest } } } },
        components = ReferencesOf(code),
    });

    // What is no assembly has nothing that could be listed.
    private static object[] ReferencesOf(string code)
    {
        using var stream = File.OpenRead(code);
        try
        {
            using var image = new PEReader(stream);
            var metadata = image.GetMetadataReader();
            return [.. metadata.AssemblyReferences.Select(handle => metadata.GetAssemblyReference(handle)).Select(reference => new
            {
                type = "library", name = metadata.GetString(reference.Name), version = $"{reference.Version}",
            })];
        }
        catch (Exception none) when (none is BadImageFormatException or InvalidOperationException)
        {
            return [];
        }
    }
}
