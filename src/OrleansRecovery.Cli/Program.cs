using System.CommandLine;
using OrleansRecovery.Cli.Commands;
using OrleansRecovery.Cli.Output;

var root = new RootCommand("""
    Gets cooperating agents back to a sound state: what depends on a failure falls, in the right order, and a signed ledger says so.

    Examples:
      recovery demo                                    a trip of seven agents, a kill -9, and two recoveries
      recovery status --db demo.db                     executions, agents and recoveries in a database
      recovery plan hotel/1 --db demo.db               what would fall if this interval failed
      recovery replay run.json --format who-and-when   a recorded failed run, through real agents
      recovery replay-journal --db demo.db             does the code still do what its journals say?
      recovery ledger verify --db demo.db              is the ledger whole?
      recovery serve --agent hotel=http://127.0.0.1:7501/   agents in any language, over HTTP

    Exit codes: 0 done; 1 done, and the answer is no (a broken ledger, a mismatch); 2 bad input; 3 storage trouble; 4 an operator must decide.
    """);
CommonOptions.AddTo(root);
root.Add(DemoCommand.Create());
root.Add(DemoCommand.CreateWorker());
root.Add(ReplayCommand.Create());
root.Add(ReplayJournalCommand.Create());
root.Add(StatusCommand.Create());
root.Add(PlanCommand.Create());
root.Add(GraphCommand.Create());
root.Add(WatchCommand.Create());
root.Add(ServeCommand.Create());
root.Add(ConformanceCommand.Create());
foreach (var command in RequestCommands.Create())
{
    root.Add(command);
}

root.Add(KeysCommand.Create());
root.Add(CapabilityCommand.Create());
root.Add(IssuersCommand.Create());
root.Add(ObjectivesCommand.Create());
root.Add(LedgerCommand.Create());
root.Add(ExplainCommand.Create());
root.Add(CompletionCommand.Create());
var parsed = root.Parse(args);
var code = await parsed.InvokeAsync();
return parsed.Errors.Count > 0 ? Terminal.BadInput : code;
