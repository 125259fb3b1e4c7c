using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>Code that is run again on its journal: what is the same, and where the first difference is.</summary>
public sealed class JournalReplayTests
{
    private static readonly AgentId Clerk = AgentId.Parse("clerk");
    private static readonly AgentId Bank = AgentId.Parse("bank");
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Honest_code_repeats_every_step_and_nothing_outside_is_called()
    {
        await using var journal = new InMemoryJournal();
        await RecordAsync(journal);
        var before = await BytesAsync(journal);
        var outside = 0;

        var replay = await ReplayAsync(journal, new ClerkCode { Outside = () => outside++ });

        Assert.True(replay.Repeats);
        Assert.Equal([(Bank, 6L, 3L), (Clerk, 3L, 18L)], replay.Agents.Select(agent => (agent.Agent, agent.TurnCount, agent.StepCount)));
        Assert.Equal(0, outside);
        Assert.Equal(before, await BytesAsync(journal));
    }

    [Fact]
    public async Task A_host_replays_what_it_runs_and_goes_on()
    {
        await using var journal = new InMemoryJournal();
        var code = new ClerkCode();
        await using var host = await OpenAsync(journal, code);
        await host.SendAsync(ProbeHost.Execution, Clerk, new Invoice(1));
        await SettledAsync(host);

        Assert.True((await host.ReplayJournalAsync(ProbeHost.Execution)).Repeats);
        Assert.Equal(Bank, Assert.Single((await host.ReplayJournalAsync(ProbeHost.Execution, Bank)).Agents).Agent);

        await host.SendAsync(ProbeHost.Execution, Clerk, new Invoice(2));
        await SettledAsync(host);
        Assert.Equal(2, (await host.ReplayJournalAsync(ProbeHost.Execution, Clerk)).Agents[0].TurnCount);
    }

    [Fact]
    public async Task A_changed_message_is_found_at_the_step_that_sends_it()
    {
        var deviation = await DeviationAsync(new ClerkCode { Currency = "EUR" });

        Assert.Equal(nameof(MessageSent), await KindAsync(deviation));
        Assert.StartsWith("{\"number\":1,\"text\":\"7 CHF\"} (SHA-256 ", deviation.Recorded, StringComparison.Ordinal);
        Assert.StartsWith("it sent Ledgered to bank: {\"number\":1,\"text\":\"7 EUR\"} (SHA-256 ", deviation.Came, StringComparison.Ordinal);
        Assert.Equal((new Interval(Clerk, CheckpointNumber.Of(2)), nameof(Invoice)), (deviation.Interval, deviation.MessageType));
    }

    [Fact]
    public async Task A_changed_argument_is_found_at_the_action()
    {
        var deviation = await DeviationAsync(new ClerkCode { Fee = 2 });

        Assert.StartsWith("it called 'pay' with 9 ", deviation.Came, StringComparison.Ordinal);
        Assert.StartsWith("7 ", deviation.Recorded, StringComparison.Ordinal);
        Assert.Equal(nameof(ActionIntended), await KindAsync(deviation));
    }

    [Fact]
    public async Task Steps_in_another_order_are_found_at_the_first_of_them()
    {
        var deviation = await DeviationAsync(new ClerkCode { PaysFirst = true });

        Assert.Equal(("'price'", "it called 'pay'"), (deviation.Recorded, deviation.Came));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_clock_or_chance_outside_the_context_is_found_where_it_shows(bool inState)
    {
        var made = 0;
        await using var journal = new InMemoryJournal();
        var code = new ClerkCode { Stray = () => $"{++made}", StrayIsInState = inState };
        await RecordAsync(journal, code);

        var replay = await ReplayAsync(journal, code);

        var deviation = replay.Agents[1].Deviation!;
        Assert.Equal(0, replay.Agents[1].TurnCount);
        Assert.Equal(inState ? nameof(TurnEnded) : nameof(MessageSent), await KindAsync(deviation, journal));
        Assert.StartsWith(inState ? "it ended with the state {" : "it sent Ledgered to bank:", deviation.Came, StringComparison.Ordinal);
        Assert.Null(replay.Agents[0].Deviation);
    }

    [Fact]
    public async Task A_turn_that_does_more_or_less_is_found_at_its_end()
    {
        Assert.Equal(("nothing more", "it asked for a declared dependency"), Words(await DeviationAsync(new ClerkCode { Declares = 2 })));
        Assert.Equal(("DependencyDeclared", "it ended before that"), Words(await DeviationAsync(new ClerkCode { Declares = 0 })));
    }

    [Fact]
    public async Task Code_that_fails_or_hangs_is_told_with_its_turn()
    {
        var failed = await DeviationAsync(new ClerkCode { Stray = () => throw new InvalidOperationException("not today") });
        Assert.Equal("it failed (InvalidOperationException: not today)", failed.Came);

        var hung = await DeviationAsync(new ClerkCode { Hangs = true }, TimeSpan.FromMilliseconds(200));
        Assert.Contains("did not end within", hung.Came, StringComparison.Ordinal);
        Assert.Equal(nameof(Invoice), hung.MessageType);
    }

    [Fact]
    public async Task A_handler_that_swallows_the_difference_hides_nothing()
    {
        var deviation = await DeviationAsync(new ClerkCode { Currency = "EUR", Swallows = true });

        Assert.StartsWith("it sent Ledgered to bank: ", deviation.Came, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_later_turn_is_named_when_the_first_ones_are_the_same()
    {
        await using var journal = new InMemoryJournal();
        await RecordAsync(journal);

        var replay = await ReplayAsync(journal, new ClerkCode { FeeFrom = (3, 1) });

        Assert.Equal(2, replay.Agents[1].TurnCount);
        Assert.Equal("@outside#3", replay.Agents[1].Deviation!.Message.ToString());
    }

    [Fact]
    public async Task What_is_undone_is_not_replayed_and_what_came_after_is()
    {
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        await using (var host = await OpenAsync(journal, new ClerkCode(), key))
        {
            await host.SendAsync(ProbeHost.Execution, Clerk, new Invoice(1));
            await SettledAsync(host);
            await host.SignalAsync(
                ProbeHost.Execution, new Interval(Clerk, CheckpointNumber.Of(1)), IssuerId.Parse("monitor"), "a wrong price");
            await SettledAsync(host);
        }

        var replay = await ReplayAsync(journal, new ClerkCode());

        Assert.True(replay.Repeats);
        Assert.Equal(1, replay.Agents[1].TurnCount);
    }

    [Fact]
    public async Task Agents_without_their_class_are_named_and_without_any_the_replay_is_refused()
    {
        await using var journal = new InMemoryJournal();
        await RecordAsync(journal);
        var onlyBank = new AgentCatalog().Add(() => new BankAgent());

        var replay = await JournalReplay.RunAsync(journal, onlyBank, ProbeHost.Execution);
        Assert.Equal([null, "its class is not registered"], replay.Agents.Select(agent => agent.NotReplayed));

        var none = await Assert.ThrowsAsync<RecoveryException>(() => JournalReplay.RunAsync(journal, new AgentCatalog(), ProbeHost.Execution));
        Assert.Equal(RecoveryErrorCode.AgentNotRegistered, none.Error.Code);
        var unknown = await Assert.ThrowsAsync<RecoveryException>(() => JournalReplay.RunAsync(journal, onlyBank, ProbeHost.Execution, AgentId.Parse("nobody")));
        Assert.Equal(RecoveryErrorCode.UnknownAgent, unknown.Error.Code);
    }

    private static (string Recorded, string Came) Words(ReplayDeviation deviation) => (deviation.Recorded, deviation.Came);

    private static async Task<ReplayDeviation> DeviationAsync(ClerkCode otherwise, TimeSpan? patience = null)
    {
        await using var journal = new InMemoryJournal();
        await RecordAsync(journal);
        var before = await BytesAsync(journal);
        var replay = await ReplayAsync(journal, otherwise, patience);
        Assert.False(replay.Repeats);
        Assert.Null(replay.Agents[0].Deviation);
        Assert.Equal(before, await BytesAsync(journal));
        return replay.Agents[1].Deviation!;
    }

    private static async Task<string> KindAsync(ReplayDeviation deviation, InMemoryJournal? journal = null)
    {
        if (journal is null)
        {
            await using var recorded = new InMemoryJournal();
            await RecordAsync(recorded);
            return await KindAsync(deviation, recorded);
        }

        var records = await AgentJournal.ReadAsync(journal, StreamId.OfAgent(ProbeHost.Execution, deviation.Interval.Agent));
        return records[(int)deviation.Step!.Value.Number].Record.Kind.ToString();
    }

    private static Task<ExecutionReplay> ReplayAsync(InMemoryJournal journal, ClerkCode code, TimeSpan? patience = null) =>
        JournalReplay.RunAsync(journal, Catalog(code), ProbeHost.Execution, patience: patience);

    // Three invoices, each with a price from outside, a payment, a copy to the bank, and the bank's word.
    private static async Task RecordAsync(InMemoryJournal journal, ClerkCode? code = null)
    {
        await using var host = await OpenAsync(journal, code ?? new ClerkCode());
        for (var number = 1; number <= 3; number++)
        {
            await host.SendAsync(ProbeHost.Execution, Clerk, new Invoice(number));
        }

        await SettledAsync(host);
    }

    private static async Task<LocalRecoveryHost> OpenAsync(InMemoryJournal journal, ClerkCode code, LedgerKey? key = null)
    {
        var host = await LocalRecoveryHost.OpenAsync(journal, Catalog(code), new LocalHostOptions { LedgerKey = key });
        await host.StartAsync(new ExecutionStart(
            ProbeHost.Execution,
            [new AgentAssignment(Clerk, new AgentClass(nameof(ClerkAgent))), new AgentAssignment(Bank, new AgentClass(nameof(BankAgent)))],
            new RecoveryPolicy()));
        return host;
    }

    private static AgentCatalog Catalog(ClerkCode code) => new AgentCatalog().Add(() => new ClerkAgent(code)).Add(() => new BankAgent());

    private static async Task SettledAsync(LocalRecoveryHost host)
    {
        using var patience = new CancellationTokenSource(Patience);
        await host.SettledAsync(ProbeHost.Execution, patience.Token);
    }

    private static async Task<List<string>> BytesAsync(InMemoryJournal journal)
    {
        var bytes = new List<string>();
        foreach (var kind in Enum.GetValues<StreamKind>())
        {
            await foreach (var head in ((IJournalDatabase)journal).ListAsync(kind))
            {
                await foreach (var record in ((IJournal)journal).ReadAsync(head.Stream))
                {
                    bytes.Add($"{head.Stream} {record.Position} {Convert.ToHexString(record.Body.Span)}");
                }
            }
        }

        return bytes;
    }

    public sealed record Invoice(int Number);

    public sealed record Ledgered(int Number, string Text);

    public sealed record Balance(int Amount);

    public sealed record BookState
    {
        public IReadOnlyList<string> Lines { get; init; } = [];
    }

    /// <summary>What the clerk's code does, and what a changed one does otherwise.</summary>
    private sealed class ClerkCode
    {
        public Action Outside { get; init; } = () => { };

        public string Currency { get; init; } = "CHF";

        public int Fee { get; init; }

        public (int Number, int Fee) FeeFrom { get; init; } = (int.MaxValue, 0);

        public bool PaysFirst { get; init; }

        public int Declares { get; init; } = 1;

        public Func<string> Stray { get; init; } = () => string.Empty;

        public bool StrayIsInState { get; init; }

        public bool Hangs { get; init; }

        public bool Swallows { get; init; }
    }

    private sealed class ClerkAgent(ClerkCode code) : Agent<BookState>
    {
        protected override void Define(AgentDefinition<BookState> agent)
        {
            var pay = agent.Compensatable<int, int>("pay", (amount, _) => OutsideAsync(amount), (_, _, _) => Task.CompletedTask);
            agent.On<Invoice>(async (invoice, context) =>
            {
                var fee = invoice.Number >= code.FeeFrom.Number ? code.FeeFrom.Fee : code.Fee;
                if (code.PaysFirst)
                {
                    await context.ActAsync(pay, 7);
                }

                var price = await context.RecordAsync("price", _ => OutsideAsync(7));
                await context.ActAsync(pay, price + fee);
                await context.CheckpointAsync();
                var stray = code.Stray();
                try
                {
                    context.Send(Bank, new Ledgered(invoice.Number, $"{price} {code.Currency}{(code.StrayIsInState ? string.Empty : stray)}"));
                }
                catch (RecoveryException) when (code.Swallows)
                {
                    // Code that takes every error for its own.
                }

                var balance = await context.AskAsync<Invoice, Balance>(Bank, invoice);
                await (code.Hangs ? new TaskCompletionSource().Task : Task.CompletedTask);
                context.State = new BookState { Lines = [.. context.State.Lines, $"{invoice.Number} {balance.Amount}{(code.StrayIsInState ? stray : string.Empty)}"] };
                for (var declared = 0; declared < code.Declares; declared++)
                {
                    context.Declare(new Interval(Bank, CheckpointNumber.Of(0)));
                }
            });
        }

        private Task<int> OutsideAsync(int value)
        {
            code.Outside();
            return Task.FromResult(value);
        }
    }

    private sealed class BankAgent : Agent<BookState>
    {
        protected override void Define(AgentDefinition<BookState> agent)
        {
            agent.On<Ledgered>((ledgered, context) =>
            {
                context.State = new BookState { Lines = [.. context.State.Lines, ledgered.Text] };
                return Task.CompletedTask;
            });
            agent.On<Invoice>((_, context) =>
            {
                context.Reply(new Balance(1));
                return Task.CompletedTask;
            });
        }
    }
}
