using System.CommandLine;
using OrleansRecovery.Cli.Conformance;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Http;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery conformance</c>: an implementation of the draft, seen through its endpoints.</summary>
internal static class ConformanceCommand
{
    private const string Class = "conformance";

    private static readonly Argument<string> Url = new("url") { Description = "The server of the coordinator, or the endpoint of the participant" };

    private static readonly Option<string> Listen = new("--listen")
    {
        Description = "Where the tool listens: the endpoint of its agents (serve --agent conformance=...), or the host of the participant",
        DefaultValueFactory = _ => "http://127.0.0.1:7600/",
    };

    private static readonly Option<string?> Agent = new("--participant")
    {
        Description = "The agent under test, which runs with --listen as its host and in --execution (default conformance/e): it is a participant that is checked",
    };

    private static readonly Option<string> Input = new("--input")
    {
        Description = "Input that makes the agent act, as JSON with type and payload",
        DefaultValueFactory = _ => """{"type":"Order","payload":{"item":"room"}}""",
    };

    private static readonly Option<int> Patience = new("--patience")
    {
        Description = "How many seconds to wait for an answer before it counts as missing",
        DefaultValueFactory = _ => 15,
    };

    internal static Command Create()
    {
        var command = new Command("conformance", "Checks an implementation of the draft, and prints what it passed and failed, by section") { Url, Listen, Agent, Input, Patience };
        command.Run(async (parsed, cancellationToken) =>
        {
            var list = new CheckList();
            using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromMinutes(1) };
            try
            {
                await (parsed.GetValue(Agent) is { } agent
                    ? CheckParticipantAsync(parsed, AgentId.Parse(agent), http, list, cancellationToken)
                    : CheckCoordinatorAsync(parsed, http, list, cancellationToken));
            }
            catch (HttpRequestException unreachable)
            {
                throw RecoveryException.Of(
                    RecoveryErrorCode.BadConfiguration, $"{parsed.GetRequiredValue(Url)} cannot be reached: {unreachable.Message}", "The requirements were not checked.", "Start it first.", unreachable);
            }

            list.Show(parsed.GetValue(CommonOptions.Json));
            return list.Results.All(result => result.Passed) ? Terminal.Done : Terminal.No;
        });
        return command;
    }

    private static TimeSpan PatienceOf(ParseResult parsed) => TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(Patience), 1, 600));

    private static Uri Parse(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
        ? url
        : throw RecoveryException.Of(RecoveryErrorCode.BadConfiguration, $"'{text}' is no URL.", "Nothing was checked.", "Write it as http://host:port/.");

    private static async Task CheckCoordinatorAsync(ParseResult parsed, HttpClient http, CheckList list, CancellationToken cancellationToken)
    {
        await using var peer = await Peer.ListenAsync(Parse(parsed.GetRequiredValue(Listen)), cancellationToken);
        await new CoordinatorChecks(peer, PatienceOf(parsed), list, () => Scene.StartAsync(http, Parse(parsed.GetRequiredValue(Url)), Class)).RunAsync();
    }

    private static async Task CheckParticipantAsync(ParseResult parsed, AgentId agent, HttpClient http, CheckList list, CancellationToken cancellationToken)
    {
        var execution = CommonOptions.ParseExecution(parsed.GetValue(CommonOptions.Execution) ?? "conformance/e");
        await using var journal = new InMemoryJournal();
        await using var host = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().AddForeign(Class, new Unplayed()), cancellationToken: cancellationToken);
        await host.StartAsync(new ExecutionStart(execution, [new AgentAssignment(agent, new AgentClass(Class))], RecoveryPolicy.Default), cancellationToken);
        var probe = new ProbeHost(host, journal);
        var options = new RecoveryServerOptions { Urls = [Parse(parsed.GetRequiredValue(Listen)).GetLeftPart(UriPartial.Authority)] };
        await using var server = await RecoveryServer.StartAsync(host, probe, host, journal, options, cancellationToken);
        await new ParticipantChecks(http, Parse(parsed.GetRequiredValue(Url)), probe, execution, agent, parsed.GetRequiredValue(Input), PatienceOf(parsed), list).RunAsync();
    }
}
