using System.Text;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Repository.Tests;

/// <summary>Writes docs/state-tables.md from the tables that the machines run on.</summary>
internal static class StateTables
{
    private const string Preface =
        """
        # State tables

        Generated from `ParticipantMachine.Table`, `CoordinatorMachine.Table`, `ExecutionMachine.Table`, `BreakerMachine.Table` and `CapabilityMachine.Table`; do not
        edit. To write it anew: `UPDATE_GENERATED=1 dotnet test tests/OrleansRecovery.Repository.Tests`.

        Each machine answers every input in every phase. A row's label (`P03`) is what logs, tests and errors quote. "illegal" means: nothing is
        changed, and the answer names the row. The diagrams leave out the rows that stay in their phase.

        """;

    public static string Write()
    {
        var text = new StringBuilder(Preface.ReplaceLineEndings("\n"));
        Write(text, "Participant", "one agent in one recovery", ParticipantMachine.Table);
        Write(text, "Coordinator", "one recovery", CoordinatorMachine.Table);
        Write(text, "Execution", "one run of cooperating agents", ExecutionMachine.Table);
        Write(text, "Breaker", "one issuer of failure signals in one tenant", BreakerMachine.Table);
        Write(text, "Capability", "one version of a capability in one tenant", CapabilityMachine.Table);
        return text.ToString();
    }

    private static void Write<TPhase, TInput>(StringBuilder text, string name, string of, TransitionTable<TPhase, TInput> table)
        where TPhase : struct, Enum
        where TInput : struct, Enum
    {
        text.Append($"\n## {name}: {of}\n\n```mermaid\nstateDiagram-v2\n");
        text.Append($"    [*] --> {Enum.GetValues<TPhase>()[0]}\n");
        foreach (var arrow in table.Rows.SelectMany(row => row.To.Select(to => (row.From, To: to, row))).Where(arrow => !arrow.From.Equals(arrow.To))
            .GroupBy(arrow => (arrow.From, arrow.To)))
        {
            text.Append($"    {arrow.Key.From} --> {arrow.Key.To}: {string.Join(", ", arrow.Select(item => $"{item.row.On} {item.row.Label}"))}\n");
        }

        foreach (var end in Enum.GetValues<TPhase>().Where(phase => table.Rows.All(row => !row.From.Equals(phase) || row.To.All(to => to.Equals(phase)))))
        {
            text.Append($"    {end} --> [*]\n");
        }

        text.Append("```\n\n| phase | meaning |\n| --- | --- |\n");
        WriteMeanings<TPhase>(text);
        text.Append("\n| input | meaning |\n| --- | --- |\n");
        WriteMeanings<TInput>(text);
        text.Append("\n| row | in phase | on input | leads to |\n| --- | --- | --- | --- |\n");
        foreach (var row in table.Rows)
        {
            text.Append($"| {row.Label} | {row.From} | {row.On} | {(row.IsLegal ? string.Join(", ", row.To) : "illegal")} |\n");
        }
    }

    private static void WriteMeanings<TEnum>(StringBuilder text)
        where TEnum : struct, Enum
    {
        foreach (var member in Enum.GetValues<TEnum>())
        {
            text.Append($"| {member} | {Summaries.Of(member)} |\n");
        }
    }
}
