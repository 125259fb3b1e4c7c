using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Samples.FirstAgent;
using OrleansRecovery.Storage;

var folder = Directory.CreateTempSubdirectory("first-agent-").FullName;
await using var journal = await Journals.OpenSqliteAsync(Path.Combine(folder, "first.db"));
var catalog = new AgentCatalog().Add(() => new Researcher(), "researcher").Add(() => new Publisher(), "publisher");
await using var host = await LocalRecoveryHost.OpenAsync(journal, catalog);

var execution = new ExecutionAddress(TenantId.Parse("me"), ExecutionId.Parse("first"));
var (researcher, publisher) = (AgentId.Parse("researcher"), AgentId.Parse("publisher"));
await host.StartAsync(new ExecutionStart(
    execution,
    [new AgentAssignment(researcher, new AgentClass("researcher")), new AgentAssignment(publisher, new AgentClass("publisher"))],
    RecoveryPolicy.Default));

await host.SendAsync(execution, researcher, new Question("Mont Blanc is high:"));
await host.SettledAsync(execution);

// Somebody finds out that the researcher's first interval is wrong. What depended on it falls, and is done again.
await host.SignalAsync(execution, new Interval(researcher, CheckpointNumber.Of(1)), IssuerId.Parse("reader"), "mountains are higher");
await host.SettledAsync(execution);

var recovery = (await host.StatusAsync(execution)).Recoveries.Single();
Console.WriteLine($"{recovery.Phase}: {string.Join(", ", recovery.Targets.Select(target => $"{target.Key} back to {target.Value}"))}");
