using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Samples.FiftyAgents;

const int ClerkCount = 50;
if (args is not ["--postgres", var postgres])
{
    await Console.Error.WriteLineAsync("This needs a PostgreSQL server, since three silos share it. Nothing was started. Give --postgres \"Host=...;Database=...;Username=...;Password=...\".");
    return 2;
}

var folder = Directory.CreateTempSubdirectory("fifty-agents-").FullName;
var cabinet = new Cabinet(Path.Combine(folder, "cabinet"));
using var silos = new SiloProcesses(postgres, folder);
using var client = Host.CreateDefaultBuilder()
    .ConfigureLogging(logging => logging.ClearProviders())
    .UseOrleansClient(orleans => orleans
        .Configure<ClusterOptions>(cluster => cluster.ClusterId = cluster.ServiceId = Path.GetFileName(folder))
        .UseStaticClustering(SiloProcesses.Gateways)
        .UseConnectionRetryFilter(async (_, token) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, token);
            return !silos.HasFailed;
        })
        .AddAgentRecovery())
    .Build();
await client.StartAsync();
Console.WriteLine("three silos run");
var recovery = client.Services.GetRequiredService<ClusterRecoveryClient>();

var execution = new ExecutionAddress(TenantId.Parse("office"), ExecutionId.Parse("fifty"));
await recovery.StartAsync(new ExecutionStart(
    execution,
    [.. Enumerable.Range(1, ClerkCount).Select(number => new AgentAssignment(Clerk.NameOf(number), new AgentClass(nameof(Clerk))))],
    RecoveryPolicy.Default with { VoteTimeoutMilliseconds = 1_000, VoteTryCountMax = 60 }));
await recovery.SendAsync(execution, Clerk.NameOf(1), new Case("case 7", ClerkCount));
await recovery.SettledAsync(execution);
Console.WriteLine($"{ClerkCount} agents have worked: {cabinet.Count} cases are filed");

// Clerk 2 was wrong: half of the office builds on it.
await recovery.SignalAsync(execution, new Interval(Clerk.NameOf(2), CheckpointNumber.Of(1)), IssuerId.Parse("auditor"), "the wrong form");
Console.WriteLine("the auditor says that clerk-02/1 cannot be trusted");
await foreach (var step in recovery.WatchAsync(execution))
{
    if (step is { Phase: CoordinatorPhase.Compensating, Done: > 3 } || step.Phase.IsTerminal())
    {
        Console.WriteLine($"{step.Phase}, {step.Done} of {step.Total} actions undone: kill -9 of silo process {silos.Kill(1)}");
        break;
    }
}

await recovery.SettledAsync(execution);
var status = await recovery.StatusAsync(execution);
var outcome = status.Recoveries.Single();
Console.WriteLine($"{outcome.Phase}: {outcome.Targets.Count} agents fell, {ClerkCount - outcome.Targets.Count} lost nothing, {cabinet.Count} cases are filed");

var ledger = new LedgerVerifier();
await foreach (var line in recovery.ReadLedgerAsync(execution.Tenant))
{
    ledger.Check(line.Span);
}

var isSound = outcome.Phase == CoordinatorPhase.Completed && cabinet.Count == ClerkCount && ledger is { Fault: null, Open.Count: 0, UnsignedCount: 0 };
Console.WriteLine($"ledger: {ledger.SoundCount} records, {(ledger.Fault is null ? "every hash and signature is right" : $"{ledger.Fault}")}");
Console.WriteLine(isSound ? "sound" : "NOT SOUND");
return isSound ? 0 : 1;
