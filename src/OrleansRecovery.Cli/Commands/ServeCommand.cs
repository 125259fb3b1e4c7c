using System.CommandLine;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Http;
using OrleansRecovery.Http.Agents;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery serve</c>: a local host with the HTTP binding, for agents that are not .NET.</summary>
internal static class ServeCommand
{
    private static readonly Option<string[]> Urls = new("--urls")
    {
        Description = "Where to listen; the loopback interface alone, since the server authenticates nobody yet",
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

    internal static Command Create()
    {
        var command = new Command("serve", "Runs executions of agents in any language, and serves them over HTTP") { Urls, Agents, Key };
        command.Run(async (parsed, cancellationToken) =>
        {
            var database = parsed.GetRequiredValue(CommonOptions.Database);
            var foreign = parsed.GetRequiredValue(Agents).Select(Parse).ToList();
            try
            {
                var catalog = foreign.Aggregate(new AgentCatalog(), (known, agent) => known.AddForeign(agent.Name, agent.Agent));
                await using var journal = await Journals.OpenAsync(database, cancellationToken: cancellationToken);
                using var key = LedgerKey.OpenOrCreate(parsed.GetValue(Key) ?? KeyBeside(database));
                await using var host = await LocalRecoveryHost.OpenAsync(journal, catalog, new LocalHostOptions { LedgerKey = key }, cancellationToken);
                await using var server = await RecoveryServer.StartAsync(
                    host, host, journal, new RecoveryServerOptions { Urls = parsed.GetRequiredValue(Urls) }, cancellationToken);
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
        Terminal.Out.MarkupLine("[grey]Whoever reaches this address may do everything: it authenticates nobody. End with Ctrl-C.[/]");
    }

    private static (string Name, HttpForeignAgent Agent) Parse(string text) =>
        text.Split('=', 2) is [var name, var url] && Uri.TryCreate(url, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
            ? (name, new HttpForeignAgent(endpoint))
            : throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"'{text}' is no foreign agent.", "The server was not started.", "Write it as name=http://host:port/.");

    private static string KeyBeside(string database) => database.Contains('=', StringComparison.Ordinal)
        ? throw RecoveryException.Of(
            RecoveryErrorCode.BadConfiguration, "No file is named for the key that signs the ledgers.", "The server was not started.", "Name one with --key.")
        : $"{database}.key.pem";
}
