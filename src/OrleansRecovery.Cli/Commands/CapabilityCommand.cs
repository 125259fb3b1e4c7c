using System.CommandLine;
using OrleansRecovery.Cli.Administration;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery capability</c>: which code agents may run. A change counts on every host when the command has ended, and stands in the ledger.</summary>
internal static partial class CapabilityCommand
{
    private const int PrefixLengthMin = 8;
    private const int PrefixLengthShown = 16;

    private static readonly Argument<string> Which = new("capability")
    {
        Description = $"The capability, as name or name/digest; of the digest its beginning of {PrefixLengthMin} digits or more",
    };

    private static readonly Argument<string> Name = new("name") { Description = "What the capability is called: an agent class, class.action, or a tool" };
    private static readonly Option<string?> Code = new("--code") { Description = "The file of the code, such as the assembly: its SHA-256 is taken" };
    private static readonly Option<string?> Digest = new("--digest") { Description = "The SHA-256 of the code, instead of --code" };
    private static readonly Option<string> Signer = new("--signer") { Description = "The issuer that signs provenance", Required = true };
    private static readonly Option<string> Builder = new("--builder") { Description = "The builder's id, as provenance names it: a URI", Required = true };

    internal static Command Create()
    {
        var command = new Command("capability", "Code that agents may run: where it comes from, what is in it, who approved it, what used it")
        {
            Attest(),
            Register(),
            Deciding("verify", "Holds the evidence against the tenant's keys and whom it believes", CapabilityChange.Verify),
            Deciding("activate", "Lets a verified capability be used; from then on its name is guarded", CapabilityChange.Activate),
            Revoke(),
            Used(),
            List(),
            Trusting("trust", "Lets a signer's word on a builder count", CapabilityChange.Trust),
            Trusting("distrust", "Lets it count no more: what was active by it is not used any more", CapabilityChange.Distrust),
        };
        TenantOptions.AddTo(command);
        return command;
    }

    private static Command Register()
    {
        var provenance = new Option<string>("--provenance") { Description = "The DSSE envelope with SLSA provenance", Required = true };
        var bom = new Option<string>("--bom") { Description = "The bill of materials: CycloneDX, JSON", Required = true };
        var activate = new Option<bool>("--activate") { Description = "Verify and activate it too, when its evidence is good" };
        var command = Changing("register", "Gives the evidence of a capability", Name, Code, Digest, provenance, bom, activate);
        command.Run(async (parsed, cancellationToken) =>
        {
            var capability = CapabilityId.Of(CapabilityName.Parse(parsed.GetRequiredValue(Name)), DigestOf(parsed));
            var evidence = new CapabilityEvidence(
                await File.ReadAllBytesAsync(parsed.GetRequiredValue(provenance), cancellationToken), await File.ReadAllBytesAsync(parsed.GetRequiredValue(bom), cancellationToken));
            var (now, by, reason) = Decision(parsed);
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: false, cancellationToken);
            await administration.ChangeAsync(CapabilityChange.Register(capability, evidence, now, by, reason), cancellationToken);
            if (parsed.GetValue(activate))
            {
                await administration.ChangeAsync(CapabilityChange.Verify(capability, now, by, reason), cancellationToken);
                await administration.ChangeAsync(CapabilityChange.Activate(capability, now, by, reason), cancellationToken);
            }

            return await ShowAsync(parsed, administration, capability, cancellationToken);
        });
        return command;
    }

    private static Command Deciding(string name, string description, Func<CapabilityId, long, IssuerId, string, CapabilityChange> make)
    {
        var command = Changing(name, description, Which);
        command.Run(async (parsed, cancellationToken) =>
        {
            var (now, by, reason) = Decision(parsed);
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: false, cancellationToken);
            var capability = await FindAsync(parsed, administration, cancellationToken);
            await administration.ChangeAsync(make(capability, now, by, reason), cancellationToken);
            return await ShowAsync(parsed, administration, capability, cancellationToken);
        });
        return command;
    }

    private static Command Trusting(string name, string description, Func<TrustedBuilder, long, IssuerId, string, CapabilityChange> make)
    {
        var command = Changing(name, description, Signer, Builder);
        command.Run(async (parsed, cancellationToken) =>
        {
            var (now, by, reason) = Decision(parsed);
            var builder = new TrustedBuilder(IssuerId.Parse(parsed.GetRequiredValue(Signer)), parsed.GetRequiredValue(Builder));
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: false, cancellationToken);
            await administration.ChangeAsync(make(builder, now, by, reason), cancellationToken);
            return await ShowAsync(parsed, administration, null, cancellationToken);
        });
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "Lists all capabilities, and who is believed about builders");
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: true, cancellationToken);
            return await ShowAsync(parsed, administration, null, cancellationToken);
        });
        return command;
    }

    private static Command Changing(string name, string description, params Symbol[] symbols)
    {
        var command = new Command(name, description) { RequestCommands.Reason, RequestCommands.By, TenantOptions.LedgerKeyFile };
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
            {
                command.Add(option);
            }
            else
            {
                command.Add((Argument)symbol);
            }
        }

        return command;
    }

    private static (long Now, IssuerId By, string Reason) Decision(ParseResult parsed) => (
        TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), IssuerId.Parse(parsed.GetRequiredValue(RequestCommands.By)), parsed.GetRequiredValue(RequestCommands.Reason));

    private static string DigestOf(ParseResult parsed) => (parsed.GetValue(Code), parsed.GetValue(Digest)) switch
    {
        ({ } file, null) => CodeDigest.OfNamed(file),
        (null, { } digest) => digest,
        _ => throw RecoveryException.Of(RecoveryErrorCode.BadConfiguration, "Which code it is must be said once.", "Nothing was changed.", "Give either --code or --digest."),
    };

    // A digest that nobody has registered can be named in full: it may be revoked all the same.
    private static async Task<CapabilityId> FindAsync(ParseResult parsed, ICapabilityAdministration administration, CancellationToken cancellationToken)
    {
        var text = parsed.GetRequiredValue(Which);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var (name, digest) = slash < 0 ? (text, string.Empty) : (text[..slash], text[(slash + 1)..]);
        if (CapabilityId.IsDigest(digest))
        {
            return CapabilityId.Of(CapabilityName.Parse(name), digest);
        }

        var known = (await administration.CapabilitiesAsync(cancellationToken)).Items
            .Where(item => item.Capability.Name.Text == name && item.Capability.Digest.StartsWith(digest, StringComparison.Ordinal) && (slash < 0 || digest.Length >= PrefixLengthMin)).ToList();
        return known is [var only] ? only.Capability : throw RecoveryException.Of(
            RecoveryErrorCode.UnknownCapability,
            known.Count == 0 ? $"No capability is named {text}." : $"{known.Count} capabilities are named {text}.",
            "Nothing was changed.",
            "Read 'recovery capability list', and name one as name/digest.");
    }

    private static async Task<int> ShowAsync(ParseResult parsed, ICapabilityAdministration administration, CapabilityId? only, CancellationToken cancellationToken)
    {
        var known = await administration.CapabilitiesAsync(cancellationToken);
        var shown = known.Items.Where(item => only is null || item.Capability == only).ToList();
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(new { capabilities = shown, known.Trusted });
            return Terminal.Done;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("capability", "digest", "phase", "usable", "signer", "builder", "components");
        foreach (var item in shown)
        {
            table.AddRow(
                Terminal.Escape(item.Capability.Name.Text),
                item.Capability.Digest[..PrefixLengthShown],
                WireNames.Of(item.Phase),
                item.IsUsable ? "yes" : Terminal.Escape(item.Lapse is { } lapse ? $"no: {lapse}" : "no"),
                Terminal.Escape(item.Attestation?.Signer.Text ?? string.Empty),
                Terminal.Escape(item.Attestation?.Builder ?? string.Empty),
                $"{item.Attestation?.ComponentCount}");
        }

        Terminal.Out.Write(table);
        foreach (var trusted in known.Trusted)
        {
            Terminal.WriteLine($"{trusted.Signer} is believed about {trusted.Builder}");
        }

        return Terminal.Done;
    }
}
