using System.CommandLine;
using OrleansRecovery.Cli.Commands;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Cli.Administration;

/// <summary>Which tenant a command administers, and where: the database of <c>--db</c>, or the server of <c>--server</c>.</summary>
internal static class TenantOptions
{
    internal static readonly Option<string?> Tenant = new("--tenant") { Description = "The tenant; not needed when the database holds one tenant", Recursive = true };

    internal static readonly Option<string?> Server = new("--server")
    {
        Description = "A server of 'recovery serve', or of a silo: what is asked for goes there, and not to a database (needs --tenant)",
        Recursive = true,
    };

    internal static readonly Option<string?> Certificate = new("--tls-cert") { Description = "The operator's certificate (PEM), for a server that wants one", Recursive = true };
    internal static readonly Option<string?> CertificateKey = new("--tls-key") { Description = "Its private key (PEM), which only its owner may read", Recursive = true };
    internal static readonly Option<string?> Authorities = new("--tls-ca") { Description = "The authorities (PEM) that the server's certificate comes from", Recursive = true };
    internal static readonly Option<string?> LedgerKeyFile = new("--ledger-key") { Description = "The key that signs the ledger of the database, as for 'recovery serve --key'" };

    /// <summary>The options of every command that administers a tenant.</summary>
    internal static void AddTo(Command command)
    {
        foreach (var option in new Option[] { Tenant, Server, Certificate, CertificateKey, Authorities })
        {
            command.Add(option);
        }
    }

    internal static async Task<ITenantAdministration> OpenAsync(ParseResult parsed, bool isReading, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(Server) is { } server)
        {
            var address = Uri.TryCreate(server, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
                ? url
                : throw Incomplete($"'{server}' is no address of a server.", "Write it as http://127.0.0.1:7400.");
            return new ServerAdministration(address, TenantId.Parse(parsed.GetValue(Tenant) ?? throw Incomplete("--server needs --tenant.", "Name the tenant.")), TlsOf(parsed)?.ForClient());
        }

        var database = parsed.GetRequiredValue(CommonOptions.Database);
        var journal = isReading
            ? await CommonOptions.OpenForReadingAsync(parsed, cancellationToken)
            : await Journals.OpenAsync(database, cancellationToken: cancellationToken);
        try
        {
            var tenant = await TenantOfAsync(parsed, journal, cancellationToken);
            return new DatabaseAdministration(
                journal, tenant, SignalPolicyFile.Read(parsed.GetValue(ServeCommand.Signals)), () => LedgerKey.OpenOrCreate(parsed.GetValue(LedgerKeyFile) ?? ServeCommand.KeyBeside(database)));
        }
        catch
        {
            await journal.DisposeAsync();
            throw;
        }
    }

    private static MutualTls? TlsOf(ParseResult parsed) => (parsed.GetValue(Certificate), parsed.GetValue(CertificateKey), parsed.GetValue(Authorities)) switch
    {
        (null, null, null) => null,
        ({ } certificate, { } key, { } authorities) => MutualTls.Read(certificate, key, authorities),
        _ => throw Incomplete("Certificates need all of --tls-cert, --tls-key and --tls-ca.", "Name all three, or none."),
    };

    private static RecoveryException Incomplete(string cause, string next) => RecoveryException.Of(RecoveryErrorCode.BadConfiguration, cause, "Nothing was changed.", next);

    private static async Task<TenantId> TenantOfAsync(ParseResult parsed, IJournalDatabase journal, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(Tenant) is { } named)
        {
            return TenantId.Parse(named);
        }

        var tenants = new SortedSet<TenantId>();
        foreach (var kind in new[] { StreamKind.Ledger, StreamKind.Execution, StreamKind.Tenant })
        {
            await foreach (var stream in journal.ListAsync(kind, cancellationToken: cancellationToken))
            {
                tenants.Add(stream.Stream.Tenant);
            }
        }

        return tenants.Count == 1 ? tenants.Min : throw RecoveryException.Of(
            RecoveryErrorCode.ForeignTenant, $"The database holds {tenants.Count} tenants.", "Nothing was changed.", "Name one with --tenant.");
    }
}
