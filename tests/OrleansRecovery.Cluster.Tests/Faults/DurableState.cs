using OrleansRecovery.Conformance;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>The recovery model's invariants (section 5), read from what is durable and from the world, when all is over.</summary>
internal static class DurableState
{
    /// <param name="journal">The journals.</param>
    /// <param name="stage">The execution.</param>
    /// <param name="expected">What each agent remembers and has done in the world, in whatever order.</param>
    internal static async Task CheckAsync(IJournal journal, Stage stage, IReadOnlyDictionary<string, IEnumerable<string>> expected)
    {
        var loaded = await LoadedExecution.ReadAsync(journal, stage.Execution);
        Assert.All(loaded.History.Recoveries.Values, recovery => Assert.Equal(CoordinatorPhase.Completed, recovery.Phase));
        Assert.Equal(0, loaded.Index.PendingCount);
        foreach (var (agent, texts) in expected)
        {
            Assert.Equal(texts.Order(StringComparer.Ordinal), (await stage.StateOfAsync(agent)).Order(StringComparer.Ordinal));
            await CheckAgentAsync(journal, StreamId.OfAgent(stage.Execution, AgentId.Parse(agent)), AgentId.Parse(agent));
        }

        Assert.Equal(expected.Values.SelectMany(texts => texts).Order(StringComparer.Ordinal), stage.World.Standing.Values.Order(StringComparer.Ordinal));
        await CheckLedgerAsync(journal, stage.Execution, loaded.History.Recoveries.Count);
    }

    // 4, 8: it has left every promise, and incarnations only rose. No position is missing or written twice.
    private static async Task CheckAgentAsync(IJournal journal, StreamId stream, AgentId agent)
    {
        var participant = ParticipantState.Initial(agent);
        var incarnation = Incarnation.First;
        var next = 0L;
        await foreach (var stored in journal.ReadAsync(stream))
        {
            Assert.Equal(next++, stored.Position);
            var record = AgentEventJson.Read(stored.Body.Span);
            participant = participant.After(record);
            if (record is RolledBack rolledBack)
            {
                Assert.True(rolledBack.Incarnation.Number > incarnation.Number, $"{agent} went back to incarnation {rolledBack.Incarnation}.");
                incarnation = rolledBack.Incarnation;
            }
        }

        Assert.Equal(ParticipantPhase.Active, participant.Phase);
    }

    // 10: every hash and signature verifies, and every recovery has one outcome.
    private static async Task CheckLedgerAsync(IJournal journal, ExecutionAddress execution, int recoveries)
    {
        var verifier = new LedgerVerifier();
        var kinds = new List<RecoveryRecordKind>();
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(execution.Tenant)))
        {
            verifier.Check(line.Body.Span);
            kinds.Add(LedgerChain.Read(line.Body.Span).Kind);
        }

        Assert.True(verifier.Fault is null, $"ledger: {verifier.Fault}");
        Assert.Equal(recoveries, kinds.Count(kind => kind == RecoveryRecordKind.RecoveryOpened));
        Assert.Equal(recoveries, kinds.Count(kind => kind == RecoveryRecordKind.Outcome));
    }
}
