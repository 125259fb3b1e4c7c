using System.CommandLine;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Http;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Agents;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Objectives;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery serve</c>: a local host with the HTTP binding, for agents that are not .NET.</summary>
internal static class ServeCommand
{
    private static readonly Option<string[]> Urls = new("--urls")
    {
        Description = "Where to listen; without certificates on the loopback interface alone, since then nobody is authenticated",
        DefaultValueFactory = _ => ["http://127.0.0.1:7400"],
    };

    private static readonly Option<string[]> Agents = new("--agent")
    {
        Description = "A class of foreign agents and the endpoint that they are reached at, as name=http://...; may be repeated",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string?> Key = new("--key")
    {
        Description = "The file of the key that signs the ledgers; made when it is missing. Default: beside the database, with .key.pem at its end",
    };

    private static readonly Option<string?> Certificate = new("--tls-cert") { Description = "The server's certificate (PEM): both ends of every connection then prove themselves by TLS 1.3" };
    private static readonly Option<string?> CertificateKey = new("--tls-key") { Description = "Its private key (PEM), which only its owner may read" };
    private static readonly Option<string?> Authorities = new("--tls-ca") { Description = "The authorities (PEM) that certificates of clients and foreign agents come from" };
    private static readonly Option<string?> Access = new("--access") { Description = "The rules of who may do what (JSON), read again when they change; without it, everybody who reaches the server may do everything" };
    private static readonly Option<bool> RequireSignatures = new("--require-signatures") { Description = "Refuse every unsigned signal, also of issuers that have no key" };

    private static readonly Option<string?> Heads = new("--publish-heads") { Description = "A file outside the database to which each signed head of the ledgers is appended, for 'recovery ledger verify --heads'" };

    internal static readonly Option<string?> Signals = new("--signals")
    {
        Description = "The signal policy (JSON): quotas, what false signals cost, when an issuer is suspended; without it, the defaults",
    };

    internal static readonly Option<string?> Objectives = new("--objectives")
    {
        Description = "The service level objectives (JSON): how soon, how completely, for how large a share; without it, the defaults",
    };

    private static readonly Option<int?> ClockSkew = new("--clock-skew")
    {
        Description = "How far the clocks of issuers may differ from this one, in milliseconds (0 to 60000)",
    };

    internal static Command Create()
    {
        var command = new Command("serve", "Runs executions of agents in any language, and serves them over HTTP")
        {
            Urls, Agents, Key, Certificate, CertificateKey, Authorities, Access, RequireSignatures, ClockSkew, Signals, Objectives, Heads,
        };
        command.Run(async (parsed, cancellationToken) =>
        {
            var database = parsed.GetRequiredValue(CommonOptions.Database);
            var (tls, rules) = ServerSecurity.Read(parsed.GetValue(Certificate), parsed.GetValue(CertificateKey), parsed.GetValue(Authorities), parsed.GetValue(Access));
            rules?.OnRefused = error => Terminal.Warn(parsed, error);
            var signals = SignalPolicyFile.Read(parsed.GetValue(Signals), parsed.GetValue(RequireSignatures), parsed.GetValue(ClockSkew));
            var objectives = ObjectivesFile.Read(parsed.GetValue(Objectives));
            var foreign = parsed.GetRequiredValue(Agents).Select(agent => HttpForeignAgent.Parse(agent, tls)).ToList();
            try
            {
                var catalog = foreign.Aggregate(new AgentCatalog(), (known, agent) => known.AddForeign(agent.Name, agent.Agent));
                await using var journal = await Journals.OpenAsync(database, cancellationToken: cancellationToken);
                using var key = LedgerKey.OpenOrCreate(parsed.GetValue(Key) ?? KeyBeside(database));
                await using var host = await LocalRecoveryHost.OpenAsync(journal, catalog, new LocalHostOptions { LedgerKey = key, Signals = signals, Heads = parsed.GetValue(Heads) is { } file ? new HeadFile(file) : null }, cancellationToken);
                await using var server = await RecoveryServer.StartAsync(
                    host, host, host, journal, new RecoveryServerOptions { Urls = parsed.GetRequiredValue(Urls), Access = rules ?? (IAccessRules)new OpenAccess(), Tls = tls, Signals = signals, Objectives = objectives }, cancellationToken);
                Show(parsed, server.Address, foreign.Select(agent => agent.Name));
                await server.WaitAsync(cancellationToken);
                return Terminal.Done;
            }
            finally
            {
                foreign.ForEach(agent => agent.Agent.Dispose());
            }
        });
        return command;
    }

    private static void Show(ParseResult parsed, Uri address, IEnumerable<string> classes)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(new { address, classes });
            return;
        }

        Terminal.Out.MarkupLine($"[green]Serving[/] {Terminal.Escape(address.ToString())} for foreign agents: {Terminal.Escape(string.Join(", ", classes.DefaultIfEmpty("none")))}");
        Terminal.Out.MarkupLine($"Console: {Terminal.Escape(new Uri(address, "console").ToString())}");
        Terminal.Out.MarkupLine(parsed.GetValue(Access) is null
            ? "[grey]Whoever reaches this address may do everything: it authenticates nobody. End with Ctrl-C.[/]"
            : "[grey]What no rule allows is refused. End with Ctrl-C.[/]");
    }

    internal static string KeyBeside(string database) => database.Contains('=', StringComparison.Ordinal)
        ? throw RecoveryException.Of(
            RecoveryErrorCode.BadConfiguration, "No file is named for the key that signs the ledgers.", "Nothing was started and nothing was changed.", "Name one with --key, or --ledger-key.")
        : $"{database}.key.pem";
}
