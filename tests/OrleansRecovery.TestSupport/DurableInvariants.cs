using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.TestProcess;
using System.Text.Json;

namespace OrleansRecovery.TestSupport;

/// <summary>The recovery model's invariants (section 5) after the workload, read from what is durable: the journal and the world outside.</summary>
public static class DurableInvariants
{
    /// <summary>Checks the workload's execution.</summary>
    /// <param name="journal">Where it stands. Nobody may write to it, unless it is settled.</param>
    /// <param name="world">What was done and undone outside, in order: verb, key and what, with tabs between them.</param>
    /// <param name="isSettled">Is everything at its end?</param>
    /// <returns>How many recoveries there were, and how many of them are open.</returns>
    public static async Task<(int RecoveryCount, int OpenRecoveryCount)> CheckAsync(IJournal journal, IReadOnlyList<string> world, bool isSettled)
    {
        await CheckLedgerAsync(journal, isSettled);
        var loaded = await LoadedExecution.ReadAsync(journal, RecoveryWorkload.Execution);
        var agents = new List<(AgentHistory History, ParticipantState Participant, List<AgentEvent> Records)>();
        foreach (var agent in RecoveryWorkload.Agents)
        {
            agents.Add(await ReadAsync(journal, agent));
        }

        foreach (var (history, participant, records) in agents)
        {
            CheckIncarnations(history, records);
            CheckRollbacksWereDecided(history.Agent, records, loaded);
            CheckNoOrphan(history, participant, loaded, isSettled);
        }

        var things = world.Select(line => line.Split('\t')).Where(line => line.Length == 3).ToList();
        CheckCompensationOrder(things, loaded);
        CheckOnce(things);
        if (isSettled)
        {
            CheckSettled(loaded, agents.ConvertAll(agent => agent.Participant));
            CheckWorldIsWhatIsLive(things, agents.ConvertAll(agent => (agent.History, agent.Records)));
            await CheckTaintAsync(journal, agents.ConvertAll(agent => (agent.History, agent.Records)), loaded);
        }

        return (loaded.History.Recoveries.Count, loaded.History.Recoveries.Values.Count(recovery => !recovery.Phase.IsTerminal()));
    }

    private static async Task<(AgentHistory History, ParticipantState Participant, List<AgentEvent> Records)> ReadAsync(IJournal journal, AgentId agent)
    {
        var history = new AgentHistory(agent);
        var participant = ParticipantState.Initial(agent);
        var records = new List<AgentEvent>();
        await foreach (var stored in journal.ReadAsync(StreamId.OfAgent(RecoveryWorkload.Execution, agent)))
        {
            var record = AgentEventJson.Read(stored.Body.Span);
            Assert.Equal(records.Count, stored.Position);
            records.Add(record);
            history.Apply(record);
            participant = participant.After(record);
        }

        return (history, participant, records);
    }

    // 10: gap-free, every hash and signature verifies, one outcome for each accepted recovery, no undoing before the decision.
    private static async Task CheckLedgerAsync(IJournal journal, bool isSettled)
    {
        var verifier = new LedgerVerifier();
        var records = new List<RecoveryRecord>();
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(RecoveryWorkload.Execution.Tenant)))
        {
            verifier.Check(line.Body.Span);
            records.Add(LedgerChain.Read(line.Body.Span));
        }

        Assert.True(verifier.Fault is null, $"ledger: {verifier.Fault}");
        Assert.Equal(0, verifier.UnsignedCount);
        Assert.True(
            !isSettled || verifier.Open.Count == 0,
            $"no outcome of {string.Join(", ", verifier.Open)} in the ledger:\n{string.Join('\n', records.TakeLast(40).Select(record => $"{record.Position} {record.Kind} {record.Recovery} cause {record.Cause}"))}");
    }

    // 8: incarnations only rise, by one, once for each rollback.
    private static void CheckIncarnations(AgentHistory history, List<AgentEvent> records)
    {
        var rollbacks = records.OfType<RolledBack>().ToList();
        Assert.Equal(Enumerable.Range(1, rollbacks.Count).Select(number => (long)number), rollbacks.Select(rollback => rollback.Incarnation.Number));
        Assert.Equal(rollbacks.Count, history.Incarnation.Number);
        Assert.Equal(rollbacks.Count, rollbacks.Select(rollback => rollback.Recovery).Distinct().Count());
    }

    // 3: no participant acts on a decision that the coordinator has not taken, or on another target. 7: only undone actions are compensated.
    private static void CheckRollbacksWereDecided(AgentId agent, List<AgentEvent> records, LoadedExecution loaded)
    {
        foreach (var rollback in records.OfType<RolledBack>())
        {
            var recovery = loaded.History.Recoveries[rollback.Recovery];
            Assert.True(recovery.IsDecided, $"{agent} fell for {rollback.Recovery}, which is {recovery.Phase}");
            Assert.Equal(recovery.Targets[agent], rollback.Target);
        }

        foreach (var settled in records.OfType<CompensationSettled>())
        {
            var recovery = loaded.History.Recoveries[settled.Recovery];
            Assert.True(recovery.IsDecided, $"{agent} undid for {settled.Recovery}, which is {recovery.Phase}");
            Assert.Contains(recovery.Members[agent].Vote!.Trace.Actions, action => action.Sequence == settled.Action);
        }

        foreach (var recovery in loaded.History.Recoveries.Values.Where(recovery => recovery.Phase == CoordinatorPhase.Aborted))
        {
            // 13: aborted means untouched.
            Assert.DoesNotContain(records.OfType<RolledBack>(), rollback => rollback.Recovery == recovery.Recovery);
        }
    }

    // 1: no live interval depends on an undone one, unless it is just being undone too.
    private static void CheckNoOrphan(AgentHistory history, ParticipantState participant, LoadedExecution loaded, bool isSettled)
    {
        foreach (var interval in history.Live)
        {
            foreach (var (_, consumed) in interval.Receipts)
            {
                var senderIsLive = loaded.Index.IsLive(new Interval(consumed.Message.Sender, consumed.SentIn));
                var isFalling = participant.Promise is { } promise && interval.Number >= promise.Vote.Target;
                Assert.True(senderIsLive || (isFalling && !isSettled), $"orphan: {history.Agent}/{interval.Number} consumed {consumed.Message} of an undone interval");
            }
        }
    }

    // 5: no action is undone in the world before one that depends on it.
    private static void CheckCompensationOrder(List<string[]> things, LoadedExecution loaded)
    {
        var undone = things.Where(thing => thing[0] == "undid").Select(thing => ActionOf(thing[1])).ToList();
        foreach (var recovery in loaded.History.Recoveries.Values.Where(recovery => recovery.IsDecided))
        {
            var traces = recovery.Falling.ToDictionary(member => member.Key, member => member.Value.Vote!.Trace);
            var order = SettleIdle(CompensationOrder.Of(traces));
            foreach (var action in undone.Where(action => traces.TryGetValue(action.Agent, out var trace)
                && trace.Actions.Any(known => known.Sequence == action.Sequence && known.Progress is ActionProgress.Done or ActionProgress.InDoubt)))
            {
                Assert.True(order.IsWaiting(action), $"{recovery.Recovery}: {action} was undone before what depends on it");
                order = SettleIdle(order.Settle(action));
            }
        }
    }

    private static CompensationOrder SettleIdle(CompensationOrder order)
    {
        while (order.Ready.FirstOrDefault(action => order.Find(action).Progress is not (ActionProgress.Done or ActionProgress.InDoubt)) is var idle
            && order.IsWaiting(idle))
        {
            order = order.Settle(idle);
        }

        return order;
    }

    // 6: done once, undone once.
    private static void CheckOnce(List<string[]> things)
    {
        var twice = things.GroupBy(thing => (thing[0], thing[1])).Where(group => group.Count() > 1).Select(group => group.Key).ToList();
        Assert.Empty(twice);
    }

    // 14: every recovery has its outcome, and every participant is active.
    private static void CheckSettled(LoadedExecution loaded, List<ParticipantState> participants)
    {
        Assert.All(loaded.History.Recoveries.Values, recovery => Assert.True(recovery.Phase.IsTerminal(), $"{recovery.Recovery} is {recovery.Phase}"));
        Assert.All(participants, participant => Assert.Equal(ParticipantPhase.Active, participant.Phase));
        Assert.All(participants, participant => Assert.Empty(participant.Barriers));
        Assert.Equal(0, RecoveryWorkload.Agents.Sum(agent => loaded.Index.Pending(agent).Count));
    }

    // 6 and 7: what stands in the world is exactly what live intervals did.
    private static void CheckWorldIsWhatIsLive(List<string[]> things, List<(AgentHistory History, List<AgentEvent> Records)> agents)
    {
        var standing = things.Where(thing => thing[0] == "did").Select(thing => ActionOf(thing[1]))
            .Except(things.Where(thing => thing[0] == "undid").Select(thing => ActionOf(thing[1]))).Order().ToList();
        var live = agents.SelectMany(agent => agent.History.Live.SelectMany(interval => interval.Actions)
            .Select(action => new ActionId(agent.History.Agent, action.Position))).Order().ToList();
        Assert.Equal(live, standing);
    }

    // End to end, without any graph: what an agent knows names no interval that was undone; and every input has been handled once by each on its way.
    private static async Task CheckTaintAsync(
        IJournal journal, List<(AgentHistory History, List<AgentEvent> Records)> agents, LoadedExecution loaded)
    {
        foreach (var (history, _) in agents)
        {
            if (history.NewestSnapshot is not { } position)
            {
                continue;
            }

            var snapshot = await journal.ReadSnapshotAsync(StreamId.OfAgent(RecoveryWorkload.Execution, history.Agent), position.Number);
            var knowledge = JsonSerializer.Deserialize<Knowledge>(snapshot!.Body.Span, AgentJson.Options)!;
            foreach (var cause in knowledge.Batons.SelectMany(baton => baton.Split(' ').Skip(1)))
            {
                var parts = cause.Split('/');
                var interval = new Interval(AgentId.Parse(parts[0]), CheckpointNumber.Of(long.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture)));
                Assert.True(loaded.Index.IsLive(interval), $"{history.Agent} still knows what {interval} said, which was undone");
            }
        }
    }

    private static ActionId ActionOf(string worldKey)
    {
        var name = worldKey[(worldKey.LastIndexOf('/') + 1)..].Split('#');
        return new ActionId(AgentId.Parse(name[0]), SequenceNumber.Of(long.Parse(name[1], System.Globalization.CultureInfo.InvariantCulture)));
    }
}
