using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Cli.Administration;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery keys</c>: which keys issuers sign with. A change counts on every host when the command has ended, and stands in the ledger.</summary>
internal static class KeysCommand
{
    private const int PrefixLengthMin = 8;
    private const int PrefixLengthShown = 16;

    private static readonly Option<string> Issuer = new("--issuer") { Description = "Whose key", Required = true };
    private static readonly Option<string> KeyFile = new("--file") { Description = "The issuer's private key file, which only its owner may read", Required = true };
    private static readonly Option<int> Minutes = new("--for") { Description = "How many minutes the old key still verifies what it signed before", DefaultValueFactory = _ => 60 };
    private static readonly Argument<string> Name = new("key") { Description = $"The key's name, or its beginning of {PrefixLengthMin} digits or more" };

    internal static Command Create()
    {
        var command = new Command("keys", "Keys with which issuers sign their failure signals") { Generate(), Add(), List(), Retire(), Revoke(), Rotate() };
        TenantOptions.AddTo(command);
        return command;
    }

    private static Command Generate()
    {
        var command = Changing("generate", "Makes a private key for an issuer, and lets it sign from now on", Issuer, KeyFile);
        command.Run((parsed, cancellationToken) => ChangeAsync(
            parsed,
            (keys, now, by, reason) =>
            {
                using var key = SigningKey.Create(parsed.GetRequiredValue(KeyFile)); // last of all that can be refused: no file is left over
                return Adding(parsed, key.Public)(keys, now, by, reason);
            },
            cancellationToken));
        return command;
    }

    private static Command Add()
    {
        var jwk = new Argument<string>("file") { Description = "The public key as JSON Web Key, or the issuer's private key file" };
        var command = Changing("add", "Lets an issuer sign with a key that exists already", Issuer, jwk);
        command.Run((parsed, cancellationToken) => ChangeAsync(parsed, Adding(parsed, ReadPublic(parsed.GetRequiredValue(jwk))), cancellationToken));
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "Lists all keys that issuers have or had");
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: true, cancellationToken);
            Show(parsed, (await administration.KeysAsync(cancellationToken)).All);
            return Terminal.Done;
        });
        return command;
    }

    private static Command Retire()
    {
        var command = Changing("retire", "Lets a key verify for a while only", Name, Minutes);
        command.Run((parsed, cancellationToken) => ChangeAsync(
            parsed,
            (keys, now, by, reason) => [IssuerKeyChange.Retire(Find(keys, parsed.GetRequiredValue(Name)), UntilOf(parsed, now), now, by, reason)],
            cancellationToken));
        return command;
    }

    private static Command Revoke()
    {
        var command = Changing("revoke", "Lets a key verify nothing any more, from now on", Name);
        command.Run((parsed, cancellationToken) => ChangeAsync(
            parsed, (keys, now, by, reason) => [IssuerKeyChange.Revoke(Find(keys, parsed.GetRequiredValue(Name)), now, by, reason)], cancellationToken));
        return command;
    }

    // The next key waits in a file of its own until the database knows it: a rotation that was cut off goes on when it is repeated.
    private static Command Rotate()
    {
        var command = Changing("rotate", "Makes a new key for an issuer, and retires the one in its file", Issuer, KeyFile, Minutes);
        command.Run(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetRequiredValue(KeyFile);
            using var old = SigningKey.Open(path);
            using var next = SigningKey.OpenNext(path);
            var code = await ChangeAsync(
                parsed,
                (keys, now, by, reason) =>
                [
                    .. keys.Find(next.Public.Key) is null ? Adding(parsed, next.Public)(keys, now, by, reason) : [],
                    .. Find(keys, old.Public.Key.Text) is { Status: IssuerKeyStatus.Active } active
                        ? new[] { IssuerKeyChange.Retire(active, UntilOf(parsed, now), now, by, reason) }
                        : [],
                ],
                cancellationToken);
            SigningKey.PutNext(path);
            return code;
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

    private static Func<IssuerKeys, long, IssuerId, string, IReadOnlyList<IssuerKeyChange>> Adding(ParseResult parsed, PublicKey key) =>
        (_, now, by, reason) => [IssuerKeyChange.Add(IssuerId.Parse(parsed.GetRequiredValue(Issuer)), key, now, by, reason)];

    private static async Task<int> ChangeAsync(
        ParseResult parsed, Func<IssuerKeys, long, IssuerId, string, IReadOnlyList<IssuerKeyChange>> make, CancellationToken cancellationToken)
    {
        var (by, reason) = (IssuerId.Parse(parsed.GetRequiredValue(RequestCommands.By)), parsed.GetRequiredValue(RequestCommands.Reason));
        await using var administration = await TenantOptions.OpenAsync(parsed, isReading: false, cancellationToken);
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        Show(parsed, await administration.ChangeAsync(keys => make(keys, now, by, reason), cancellationToken));
        return Terminal.Done;
    }

    private static long UntilOf(ParseResult parsed, long now) => parsed.GetValue(Minutes) is >= 0 and <= 525_600 and var minutes
        ? now + (minutes * 60_000L)
        : throw RecoveryException.Of(RecoveryErrorCode.BadConfiguration, "The time is outside 0 to 525600 minutes.", "No key was changed.", "Set --for to a value in that range.");

    private static IssuerKey Find(IssuerKeys keys, string name) =>
        keys.All.Where(key => name.Length >= PrefixLengthMin && key.Key.Key.Text.StartsWith(name, StringComparison.Ordinal)).ToList() is [var only]
            ? only
            : throw RecoveryException.Of(RecoveryErrorCode.BadConfiguration, $"No key, or more than one, is named {name}.", "No key was changed.", "Read 'recovery keys list'.");

    private static PublicKey ReadPublic(string path)
    {
        var text = File.ReadAllText(path);
        if (text.StartsWith("-----", StringComparison.Ordinal))
        {
            using var key = SigningKey.Open(path);
            return key.Public;
        }

        try
        {
            return JsonSerializer.Deserialize<PublicKey>(text) ?? throw new JsonException("It is null.");
        }
        catch (JsonException malformed)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadImport, $"{path} holds no key: {malformed.Message}", "No key was changed.", "Name a JWK with exactly crv (P-256), kid, kty (EC), x and y.", malformed);
        }
    }

    private static void Show(ParseResult parsed, IEnumerable<IssuerKey> keys)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(keys.Select(key => new { issuer = key.Issuer.Text, key = key.Key.Key.Text, status = WireNames.Of(key.Status), until = key.Until, jwk = key.Key }));
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("issuer", "key", "status", "until");
        foreach (var key in keys)
        {
            var until = key.Until is { } time ? DateTimeOffset.FromUnixTimeMilliseconds(time).ToString("u", CultureInfo.InvariantCulture) : string.Empty;
            table.AddRow(Terminal.Escape(key.Issuer.Text), key.Key.Key.Text[..PrefixLengthShown], WireNames.Of(key.Status), until);
        }

        Terminal.Out.Write(table);
    }
}
