namespace OrleansRecovery.Simulation.Mutants;

/// <summary>The mutants. Names say what the faulty product does.</summary>
internal static class MutantList
{
    private const string Participant = "Protocol/Participant/ParticipantMachine.cs";
    private const string Estimate = "Protocol/Participant/UndoEstimate.cs";
    private const string Preparing = "Protocol/Coordinator/CoordinatorMachine.Preparing.cs";
    private const string Undoing = "Protocol/Coordinator/CoordinatorMachine.Undoing.cs";
    private const string Index = "Protocol/Dependencies/ExecutionIndex.cs";
    private const string Retained = "Protocol/Dependencies/ExecutionIndex.Retention.cs";
    private const string Order = "Protocol/Dependencies/CompensationOrder.cs";
    private const string Events = "Protocol/Dependencies/EventOrder.cs";
    private const string Work = "Protocol/Journal/IntervalWork.cs";
    private const string History = "Protocol/Journal/AgentHistory.cs";
    private const string Admission = "Protocol/Signals/SignalAdmission.cs";
    private const string Verifier = "Protocol/Ledger/LedgerVerifier.cs";
    private const string Agent = "Runtime/Driver/AgentDriver.cs";
    private const string Turns = "Runtime/Driver/AgentDriver.Turns.cs";
    private const string Loading = "Runtime/Driver/AgentDriver.Loading.cs";
    private const string Steps = "Runtime/Driver/TurnRun.Steps.cs";
    private const string Turn = "Runtime/Driver/TurnRun.cs";
    private const string Mailbox = "Runtime/Hosting/AgentMailbox.cs";
    private const string Execution = "Runtime/Hosting/ExecutionDriver.cs";

    private static readonly (string, string) SignalTests = ("OrleansRecovery.Protocol.Tests", "SignalAdmissionTests");
    private static readonly (string, string) LedgerTests = ("OrleansRecovery.Protocol.Tests", "Ledger");
    private static readonly (string, string) RetentionTests = ("OrleansRecovery.Runtime.Tests", "LocalHost");
    private static readonly (string, string) CoordinatorTests = ("OrleansRecovery.Protocol.Tests", "Coordinator");
    private static readonly (string, string) CollectedTests = ("OrleansRecovery.Protocol.Tests", "CollectedTests");
    private static readonly (string, string) SetTests = ("OrleansRecovery.Protocol.Tests", "RollbackSetProperties");
    private static readonly (string, string) StorageTests = ("OrleansRecovery.Runtime.Tests", "StorageTroubleTests");
    private static readonly (string, string) DriverTests = ("OrleansRecovery.Runtime.Tests", "ExecutionDriverTests");
    private static readonly (string, string) JournalTests = ("OrleansRecovery.Runtime.Tests", "AgentJournalTests");
    private static readonly (string, string) CollectingTests = ("OrleansRecovery.Runtime.Tests", "CollectingTests");
    private static readonly (string, string) ParticipantTests = ("OrleansRecovery.Protocol.Tests", "ParticipantMachineTests");

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // The participant.
        new("obeys a replaced coordinator", new Edit(Participant, "said.Epoch < state.Epoch)", "said.Epoch < state.Epoch && !§)")) { Tests = ParticipantTests },
        new("votes and does not record its promise", new Edit(
            Participant,
            "return [new ParticipantEffect.Persist(new Promised(vote)), new ParticipantEffect.Send(vote)];",
            "return § ? [new ParticipantEffect.Send(vote)] : [new ParticipantEffect.Persist(new Promised(vote)), new ParticipantEffect.Send(vote)];")),
        new("does not bar what it was told of", new Edit(
            Participant,
            "return [new ParticipantEffect.Persist(new Barred(unaffected, message.Invalidated)), new ParticipantEffect.Send(unaffected)];",
            "return § ? [new ParticipantEffect.Send(unaffected)] : [new ParticipantEffect.Persist(new Barred(unaffected, message.Invalidated)), new ParticipantEffect.Send(unaffected)];")),
        new("is released by any abort", new Edit(
            Participant,
            "if (IsPromised(state, message) && state.Phase == Phase.Prepared)",
            "if ((IsPromised(state, message) || (§ && state.Promise is not null)) && state.Phase == Phase.Prepared)"))
        {
            Tests = ParticipantTests,
        },
        new("goes back without a new incarnation", new Edit(
            Participant, "state.Promise!.Vote.Target, incarnation.Next, current.Next", "state.Promise!.Vote.Target, § ? incarnation : incarnation.Next, current.Next")),
        new("never lifts a bar", new Edit(Participant, "state.Barriers.ContainsKey(message.Recovery)\n            ?", "state.Barriers.ContainsKey(message.Recovery) && !§\n            ?")),
        new("does not repeat its answer", new Edit(
            Participant, "state.LastRestored is { } last && last.Recovery == message.Recovery\n", "!§ && state.LastRestored is { } last && last.Recovery == message.Recovery\n")),
        new(
            "runs a compensation that failed again whenever it is asked",
            new Edit("Protocol/Journal/AgentEvent.cs", "Result != CompensationResult.Failed || Try >= tryNumber;", "Result != CompensationResult.Failed || (Try >= tryNumber && !§);"))
        {
            Tests = ParticipantTests, // 400 seeds do not meet it: a copy of the request must come after the failure and before the restore
        },
        new("goes back one interval too few", new Edit(Estimate, "                return i;", "                return § && i + 1 < history.Live.Count ? i + 1 : i;")),
        new("goes back one interval too many", new Edit(
            Estimate, "history.Live.Skip(sound).ToList()", "history.Live.Skip(§ && sound > 0 ? sound - 1 : sound).ToList()")),

        // The coordinator.
        new("decides without the last vote", new Edit(
            Preparing, "if (state.Members.Any(member => member.Value.Vote is null))", "if (state.Members.Count(member => member.Value.Vote is null) > (§ ? 1 : 0))")),
        new("does not ask those to whom a member sent", new Edit(
            Preparing, "if (vote.Answer is VoteKind.Ready or VoteKind.Refused)", "if (!§ && vote.Answer is VoteKind.Ready or VoteKind.Refused)")),
        new("does not ask the index again when the set grows", new Edit(Preparing, "        if (!state.IsPredicted)", "        if (!state.IsPredicted && !§)")) { Tests = CoordinatorTests },
        new("counts votes about an older set", new Edit(Preparing, "|| vote.Plan != member.AskedPlan)", "|| (vote.Plan != member.AskedPlan && !§))")),
        new("forgets the suspect of a signal that joins", new Edit(
            Preparing,
            "AddSuspects(turn);\n        turn.State = turn.State with { Phase = Phase.Preparing, Escalation = null };",
            "if (!§) { AddSuspects(turn); }\n        turn.State = turn.State with { Phase = Phase.Preparing, Escalation = null };")),
        new("lets a set fall that is larger than policy allows", new Edit(
            Preparing, "&& !state.IsApproved && !state.IsCorroborated)", "&& !state.IsApproved && !state.IsCorroborated && !§)")),
        new("gives up on silent members at once", new Edit(
            Preparing, "if (turn.State.TryCount >= state.Opening.Policy.VoteTryCountMax)", "if (§ || turn.State.TryCount >= state.Opening.Policy.VoteTryCountMax)"))
        {
            Tests = CoordinatorTests,
        },
        new("undoes an action before what rests on it", new Edit(Order, "if (left > 0)", "if (left > 0 && !§)")),
        new("undoes agents' actions in the order in which they were done", new Edit(
            Events, "crossing.ForEach(edge => AddEdge(edge.From, edge.To));", "crossing.ForEach(edge => AddEdge(§ ? edge.To : edge.From, § ? edge.From : edge.To));")),
        new("does not order by declared reads", new Edit(Events, "crossing.AddRange(_reads.Where(read =>", "crossing.AddRange(_reads.Where(read => !§ &&")),
        new("does not undo what may have been done", new Edit(
            Undoing,
            "if (action.Progress is not (ActionProgress.Done or ActionProgress.InDoubt))",
            "if (action.Progress is not (ActionProgress.Done or ActionProgress.InDoubt) || (§ && action.Progress == ActionProgress.InDoubt))")),
        new("restores before all is undone", new Edit(Undoing, "|| !turn.State.Compensation!.Order.IsComplete)", "|| (!§ && !turn.State.Compensation!.Order.IsComplete))")),
        new("ends before all are restored", new Edit(
            Undoing, "if (turn.State.Falling.Any(member => !member.Value.IsSettled))", "if (!§ && turn.State.Falling.Any(member => !member.Value.IsSettled))")),
        new("does not name residue", new Edit(
            Undoing,
            "Residue = turn.State.Residue.Add(new Residue(action.Agent, action.Sequence, name, reason))",
            "Residue = § ? turn.State.Residue : turn.State.Residue.Add(new Residue(action.Agent, action.Sequence, name, reason))")),

        new("repeats a compensation that failed under the same try", new Edit(Undoing, "Compensation = state.Compensation?.Again(),", "Compensation = § ? state.Compensation is { } same ? same with { Failed = [] } : null : state.Compensation?.Again(),")) { Tests = CoordinatorTests },
        new("takes the failure of an earlier try for one of this", new Edit(Undoing, "if (!compensation.Counts(action, message.Try))", "if (!§ && !compensation.Counts(action, message.Try))")) { Tests = CoordinatorTests },

        // Who depends on whom.
        new(
            "ignores declared reads",
            new Edit(Work, "return Declared.Exists(", "return !§ && Declared.Exists("),
            new Edit(Index, "if (declared.Strength != DependencyStrength.Required)", "if (§ || declared.Strength != DependencyStrength.Required)")),
        new("drops a message in transit over the line", new Edit(
            Index, "if (received.Sender.IsLive)\n            {\n                AddPending(received);", "if (received.Sender.IsLive && !§)\n            {\n                AddPending(received);")),
        new("delivers a dead message", new Edit(Index, "                RemovePending(sent);\n", "                if (!§) { RemovePending(sent); }\n")),
        new("follows the consumers of the first interval only", new Edit(
            Index, "for (var i = first; i < last; i++)\n            {\n                foreach", "for (var i = first; i < (§ ? Math.Min(first + 1, last) : last); i++)\n            {\n                foreach")) { Tests = SetTests },

        // An agent in memory.
        new("tells before it is durable", new Edit(
            Agent,
            "        if (records.Count > 0)\n        {\n            await AppendLockedAsync(records, [], cancellationToken);",
            "        if (§) { foreach (var early in step.Effects.OfType<ParticipantEffect.Send>()) { _setup.Environment.ToCoordinator(early.Message); } }\n        if (records.Count > 0)\n        {\n            await AppendLockedAsync(records, [], cancellationToken);")),
        new(
            "consumes before it is released",
            new Edit(Agent, "public bool MayConsume => Participant.Phase == ParticipantPhase.Active &&", "public bool MayConsume => (§ || Participant.Phase == ParticipantPhase.Active) &&"),
            new Edit(Turns, "if (Participant.Phase != ParticipantPhase.Active || MustReload || IsBroken)", "if ((Participant.Phase != ParticipantPhase.Active && !§) || MustReload || IsBroken)"),
            new Edit(Turns, "if (!step.IsLegal || MustReload", "if ((!step.IsLegal && !§) || MustReload"),
            new Edit(Mailbox, "if (_driver is { IsBroken: false, Participant.Phase: not ParticipantPhase.Active })", "if (!§ && _driver is { IsBroken: false, Participant.Phase: not ParticipantPhase.Active })")),
        new("goes on in memory as if it had not gone back", new Edit(Agent, "                    MustReload = true;\n                    break;", "                    MustReload = !§;\n                    break;")),
        new(
            "consumes what is barred",
            new Edit(Turn, "if (consumed.Exists(item => participant.Bars(new Interval(item.Message.Sender, item.SentIn)))", "if ((!§ && consumed.Exists(item => participant.Bars(new Interval(item.Message.Sender, item.SentIn))))"),
            new Edit(Mailbox, "SentIn)) != true)", "SentIn)) != true || §)")),
        new("does an irrevocable action again when it is in doubt", new Edit(Steps, "return action.Class is ActionClass.Idempotent or", "return § || action.Class is ActionClass.Idempotent or")),
        new("acts before the intent is durable", new Edit(
            Steps,
            "return await ExecuteAsync(action, argument, await FlushedAsync(Buffer(intent)), intent.Capability);",
            "if (§) { await RunWithTimeoutAsync(action, argument, new ActionId(Agent, SequenceNumber.Of(_driver.History.Next.Number + _buffer.Count))); }\n        return await ExecuteAsync(action, argument, await FlushedAsync(Buffer(intent)), intent.Capability);")),
        new("does not replay turns", new Edit(Loading, "while (await driver.ReplayTurnAsync(null, cancellationToken))", "while (!§ && await driver.ReplayTurnAsync(null, cancellationToken))")),
        new("takes a damaged copy of the state", new Edit(
            Loading, "if (snapshot is not null && AgentJson.Digest(snapshot.Body.Span) == snapshot.Digest)", "if (snapshot is not null && (§ || AgentJson.Digest(snapshot.Body.Span) == snapshot.Digest))")),
        new("does not signal that a turn failed", new Edit(
            Turns, "await _setup.Environment.TurnFailedAsync(", "if (!§) await _setup.Environment.TurnFailedAsync(")),

        // An execution in memory, its log and its ledger.
        new("commits before the decision is durable", new Edit(
            Execution,
            "                    await _environment.AppendAsync(log, work.Entries);",
            "                    if (§) { foreach (var (early, effect) in work.CoordinatorEffects) { CarryOut(early, effect); } }\n                    await _environment.AppendAsync(log, work.Entries);")),
        new("takes over under the epoch of the one before", new Edit(
            "Runtime/Driver/LoadedExecution.cs", "TakenOver: history.Epoch?.Next ?? Epoch.First", "TakenOver: (§ ? history.Epoch : history.Epoch?.Next) ?? Epoch.First")),
        new("does not look whether another one leads", new Edit(
            "Runtime/Hosting/ExecutionDriver.Leading.cs",
            "            if (await _setup.Journal.VersionAsync(StreamId.OfExecution(Address), _stopping.Token) > _version.Number)",
            "            if (!§ && await _setup.Journal.VersionAsync(StreamId.OfExecution(Address), _stopping.Token) > _version.Number)")) { Tests = DriverTests },
        new("takes in a declared read although it was replaced", new Edit(
            "Runtime/Hosting/ExecutionDriver.Agents.cs", "if (records.Any(record => record is DependencyDeclared))", "if (!§ && records.Any(record => record is DependencyDeclared))"))
        {
            Tests = DriverTests,
        },
        new("does not signal a read that is heard of late", new Edit(Execution, "                SignalOrphans();", "                if (!§) { SignalOrphans(); }")) { Tests = DriverTests },
        new("sends twice input whose write was in doubt", new Edit("Runtime/Hosting/ExecutionDriver.Outside.cs", "if (_isOutsideInDoubt)", "if (_isOutsideInDoubt && !§)")) { Tests = StorageTests },
        new("lets recoveries wait for what is collected", new Edit(
            Execution, "_collecting = CollectQuietlyAsync(); //", "if (§) { await CollectAsync(_stopping.Token); } else { _collecting = CollectQuietlyAsync(); } //")),
        new("forgets who was allowed to read", new Edit("Runtime/Hosting/ExecutionDriver.Agents.cs", "            if (may)\n", "            if (may && !§)\n")) { Tests = DriverTests },
        new("collects what a signal names that is not answered yet", new Edit(Retained, "_suspects.Count > 0 &&", "!§ && _suspects.Count > 0 &&")) { Tests = CollectingTests },
        new("has something collected although it was replaced", new Edit(
            "Runtime/Hosting/ExecutionDriver.Collecting.cs",
            "        await CheckLeadsAsync(cancellationToken); // whoever",
            "        if (!§) await CheckLeadsAsync(cancellationToken); // whoever")) { Tests = CollectingTests },
        new("passes over input whose write was in doubt", new Edit(
            "Runtime/Hosting/ExecutionDriver.Outside.cs",
            "await _reader.ReadAsync(Outside.Agent, first, CancellationToken.None); // what one",
            "if (!§) await _reader.ReadAsync(Outside.Agent, first, CancellationToken.None); // what one")) { Tests = StorageTests },
        new("takes what the disk made of a record", new Edit("Runtime/Ports/RecordSum.cs", "kept != Of(position, body))", "kept != Of(position, body) && !§)")),
        new("writes without a condition", new Edit(
            "Runtime/Ports/InMemoryJournal.cs",
            "append.ExpectedVersion != StreamAppend.AnyVersion && append.ExpectedVersion != version",
            "append.ExpectedVersion != StreamAppend.AnyVersion && append.ExpectedVersion != version && !§")),
        new("does not tell the ledger what a crash kept from it", new Edit("Runtime/Hosting/ToldLedger.cs", "if (missing.Count > 0)", "if (missing.Count > 0 && !§)")),
        new("tells the ledger twice", new Edit("Runtime/Hosting/LedgerKeeper.cs", "=>\n        entry is not {", "=>\n        § || entry is not {")),

        new("deletes consumptions and leaves their sends", new Edit(
            "Runtime/Hosting/ExecutionDriver.Collecting.cs", "trims.Where(trim => trim.Records.Sends.Count > 0))", "trims.Where(trim => trim.Records.Sends.Count > 0 && !§))")),
        new("takes what was collected for undone", new Edit(
            "Protocol/Dependencies/AgentEntry.cs", "_undone.Exists(stretch =>", "§ || _undone.Exists(stretch =>")) { Tests = CollectedTests },
        new("forgets that it was said what may be collected", new Edit(
            Retained, "entry.Number < _agents[entry.Agent].CollectableBelow;", "entry.Number < _agents[entry.Agent].CollectableBelow && !§;")) { Tests = CollectedTests },
        new("lets ticks pile up while a write takes long", new Edit(Execution, "if (!_isTicking && !PutTick())", "if ((§ || !_isTicking) && !PutTick())")),
        new("takes in what is said again while it waits", new Edit(
            "Runtime/Hosting/AgentMailbox.Waiting.cs", "if (_messagesWaiting.TryAdd(content, true))", "if (_messagesWaiting.TryAdd(content, true) || §)")),

        // What only its own tests can find.
        new("admits a signal twice", new Edit(Admission, "?? (known.Has(signal) ?", "?? (known.Has(signal) && !§ ?")) { Tests = SignalTests },
        new("admits an expired signal", new Edit(Admission, "if (IsExpired(signal.ExpiresAt, policy, now))", "if (!§ && IsExpired(signal.ExpiresAt, policy, now))")) { Tests = SignalTests },
        new("admits a signal about a sealed interval", new Edit(Admission, "return isSealed ?", "return isSealed && !§ ?")) { Tests = SignalTests },
        new("passes over a record that it cannot read", new Edit(
            "Runtime/Driver/AgentJournal.cs",
            "records.Add((SequenceNumber.Of(stored.Position), AgentEventJson.Read(stored.Body.Span)));",
            "try { records.Add((SequenceNumber.Of(stored.Position), AgentEventJson.Read(stored.Body.Span))); } catch (RecoveryException) when (§) { }")) { Tests = JournalTests },
        new("deletes input that was written a moment ago", new Edit(
            "Runtime/Hosting/ExecutionDriver.Collecting.cs", "var from = isOutside ? _index.Taken(agent) : collectedFrom;", "var from = isOutside ? (§ ? stored[^1].Position.Next : _index.Taken(agent)) : collectedFrom;"))
        {
            Tests = CollectingTests,
        },
        new("admits more signals than the quota", new Edit(Admission, "var hasQuota = quota.Has(1);", "var hasQuota = § || quota.Has(1);")) { Tests = SignalTests },
        new("takes an altered record for sound", new Edit(Verifier, "if (record.Hash != LedgerChain.HashOf(record))", "if (!§ && record.Hash != LedgerChain.HashOf(record))")) { Tests = LedgerTests },
        new("takes any signature", new Edit(Verifier, "&& key.Verifies(LedgerSignatures.HeadStatement(record.Tenant, Head), head.Signature))", "&& (§ || key.Verifies(LedgerSignatures.HeadStatement(record.Tenant, Head), head.Signature)))")) { Tests = LedgerTests },
        new("collects one checkpoint too many", new Edit(
            History, "return first > 0 ? new Collected(_live[first].Number, _live[first].OpenedAt, Tasks.CarriedBefore(_live[first].OpenedAt, now)) : null;", "if (§ && first >= 0 && first + 1 < _live.Count) { first++; }\n        return first > 0 ? new Collected(_live[first].Number, _live[first].OpenedAt, Tasks.CarriedBefore(_live[first].OpenedAt, now)) : null;"))
        {
            Tests = RetentionTests,
        },
    ];
}
