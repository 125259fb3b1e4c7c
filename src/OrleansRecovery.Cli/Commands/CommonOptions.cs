using System.CommandLine;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Cli.Commands;

/// <summary>Options that every command knows, and what follows from them.</summary>
internal static class CommonOptions
{
    internal static readonly Option<string> Database = new("--db")
    {
        Description = "The database: a SQLite file, or a PostgreSQL connection string (Host=...;Database=...)",
        DefaultValueFactory = _ => "recovery.db",
        Recursive = true,
    };

    internal static readonly Option<bool> Json = new("--json") { Description = "Print JSON for machines", Recursive = true };

    internal static readonly Option<string?> Execution = new("--execution", "-e")
    {
        Description = "The execution, as tenant/name; not needed when the database holds one",
        Recursive = true,
    };

    internal static void AddTo(RootCommand root)
    {
        root.Add(Database);
        root.Add(Json);
        root.Add(Execution);
    }

    internal static Task<IJournalDatabase> OpenForReadingAsync(ParseResult parsed, CancellationToken cancellationToken) =>
        Journals.OpenReadOnlyAsync(parsed.GetRequiredValue(Database), cancellationToken);

    internal static async Task<ExecutionAddress> ExecutionOfAsync(ParseResult parsed, IJournalDatabase journal, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(Execution) is { } named)
        {
            return ParseExecution(named);
        }

        var all = await LoadedExecution.ListAsync(journal, cancellationToken: cancellationToken);
        return all.Count == 1
            ? all[0]
            : throw RecoveryException.Of(
                RecoveryErrorCode.UnknownExecution,
                all.Count == 0 ? "The database holds no execution." : $"The database holds {all.Count} executions: {string.Join(", ", all.Take(5))}{(all.Count > 5 ? ", ..." : string.Empty)}.",
                "Nothing was changed.",
                "Name one with --execution tenant/name.");
    }

    internal static ExecutionAddress ParseExecution(string text) => text.Split('/') is [var tenant, var execution]
        ? new ExecutionAddress(TenantId.Parse(tenant), ExecutionId.Parse(execution))
        : throw RecoveryException.Of(
            RecoveryErrorCode.InvalidName, $"'{text}' is no execution.", "Nothing was changed.", "Write it as tenant/name.");

    internal static Interval ParseInterval(string text) =>
        text.Split('/') is [var agent, var number] && long.TryParse(number, System.Globalization.CultureInfo.InvariantCulture, out var value)
            ? new Interval(AgentId.Parse(agent), CheckpointNumber.Of(value))
            : throw RecoveryException.Of(
                RecoveryErrorCode.InvalidNumber, $"'{text}' is no interval.", "Nothing was changed.", "Write it as agent/number, such as hotel/1.");
}
