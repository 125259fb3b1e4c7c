using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Guarded;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Capabilities;

/// <summary>A use of code is recorded, and then somebody looks whether it may be: a revocation stops it, or finds it.</summary>
public sealed class CapabilityUseTests
{
    private static readonly TaskContract Contract = TaskStage.Contract with { Escalation = EscalationCondition.Never };

    private readonly TaskWorld _world = new() { OnPlan = async (_, context) => await TaskStage.DelegateAsync(context, Contract with { Key = $"k{context.Interval.Number}" }) };

    [Fact]
    public async Task A_task_whose_worker_is_of_revoked_code_is_refused_by_the_gate_and_the_delegator_is_told()
    {
        await using var stage = await CapabilityStage.OpenAsync(_world);
        var hotel = await stage.ActivateAsync("hotel");
        Assert.Equal("Bern", await stage.PlanAsync());
        var used = Assert.Single(await stage.UsesAsync(hotel));
        Assert.Equal((TaskStage.Hotel, 1L, false), (used.Agent, used.Interval.Number, used.IsUndone));

        await stage.RevokeAsync(hotel);

        Assert.StartsWith("failed UntrustedCapability: Booking: hotel/", await stage.PlanAsync(), StringComparison.Ordinal);
        Assert.Equal(["hotel begins", "book Bern"], _world.Log);
        Assert.Single(await stage.UsesAsync(hotel)); // what was refused used nothing
    }

    [Fact]
    public async Task An_action_of_revoked_code_is_refused_by_the_gate()
    {
        await using var stage = await CapabilityStage.OpenAsync(_world);
        var book = await stage.ActivateAsync("hotel.book");
        Assert.Equal("Bern", await stage.PlanAsync());
        Assert.Single(Assert.Single(await stage.UsesAsync(book)).Actions);

        await stage.RevokeAsync(book);

        Assert.StartsWith("failed UntrustedCapability: book: hotel.book/", await stage.PlanAsync(), StringComparison.Ordinal);
        Assert.Equal(1, _world.Count("book Bern"));
        Assert.Single(await stage.UsesAsync(book));
    }

    [Fact]
    public async Task A_revocation_between_the_gate_s_decision_and_the_use_stops_the_use_and_charges_nothing()
    {
        await using var journal = new HoldingJournal(new InMemoryJournal());
        await using var stage = await CapabilityStage.OpenAsync(_world, journal);
        var book = await stage.ActivateAsync("hotel.book");
        _world.OnBooking = async (booking, context, tools) =>
        {
            journal.HoldWriting(StreamKind.Agent); // the intent, which the gate has let pass
            try
            {
                context.Reply(new Booked(await context.ActAsync(tools.Book, booking.City)));
            }
            catch (Agents.ActionFailedException refused)
            {
                _world.Log.Enqueue("caught");
                Assert.Contains("is revoked", refused.Reason, StringComparison.Ordinal);
                context.Reply(new Booked("none"));
            }
        };
        var planned = stage.PlanAsync();
        await journal.Reached.WaitAsync(TimeSpan.FromMinutes(2));
        await stage.RevokeAsync(book);
        journal.Release();

        Assert.Equal("none", await planned);
        Assert.Equal(["hotel begins", "caught"], _world.Log);
        Assert.Empty(await stage.UsesAsync(book));
        var records = (await AgentJournal.ReadAsync(journal, StreamId.OfAgent(CapabilityStage.Execution, TaskStage.Hotel))).ConvertAll(item => item.Record);
        Assert.Equal(book, Assert.Single(records.OfType<ActionIntended>(), intended => intended.Name == "book").Capability);
        Assert.Equal(default(Charge), Assert.Single(records.OfType<ActionSettled>(), settled => settled.Refusal == GateRefusal.UntrustedCapability).Spent);
        Assert.Null((await stage.Host.ReplayJournalAsync(CapabilityStage.Execution)).Agents.Select(replay => replay.Deviation).FirstOrDefault(deviation => deviation is not null));
    }

    [Fact]
    public async Task What_the_signer_of_code_attested_is_not_used_from_the_moment_at_which_its_key_is_revoked()
    {
        await using var stage = await CapabilityStage.OpenAsync(_world);
        await stage.ActivateAsync("hotel");
        Assert.Equal("Bern", await stage.PlanAsync());

        await stage.Host.ChangeKeyAsync(CapabilityStage.Execution.Tenant, IssuerKeyChange.Revoke(stage.SignersKey, 2, CapabilityStage.Operator, "stolen"));

        Assert.StartsWith("failed UntrustedCapability", await stage.PlanAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_build_under_a_guarded_name_is_not_used_and_the_active_one_is_beside_it()
    {
        await using var stage = await CapabilityStage.OpenAsync(_world);
        await stage.ActivateAsync("hotel", new string('a', 64));
        Assert.StartsWith("failed UntrustedCapability", await stage.PlanAsync(), StringComparison.Ordinal);

        await stage.ActivateAsync("hotel");

        Assert.Equal("Bern", await stage.PlanAsync());
    }

    [Fact]
    public async Task A_tool_elsewhere_is_checked_by_its_own_digest_before_each_use_where_policy_asks_for_capabilities()
    {
        var tool = new string('1', 64);
        _world.OnPlan = async (_, context) => await TaskStage.DelegateAsync(context, Contract with { Key = $"k{context.Interval.Number}" }, to: TaskStage.Other);
        await using var stage = await CapabilityStage.OpenAsync(_world, rule: CapabilityRule.Required, tool: () => tool);
        await stage.ActivateAsync("planner");
        await stage.ActivateAsync("other");
        Assert.StartsWith("failed UntrustedCapability: book: tool/1", await stage.PlanAsync(), StringComparison.Ordinal);

        var active = await stage.ActivateAsync("tool", tool);
        Assert.Equal("Bern", await stage.PlanAsync());
        Assert.Equal(TaskStage.Other, Assert.Single(await stage.UsesAsync(active)).Agent);

        tool = new string('2', 64); // it is another one now
        Assert.StartsWith("failed UntrustedCapability: book: tool/2", await stage.PlanAsync(), StringComparison.Ordinal);
        tool = null;
        Assert.StartsWith("failed UntrustedCapability: book: nobody can say", await stage.PlanAsync(), StringComparison.Ordinal);
        Assert.Equal(["tool Bern"], _world.Log);
    }

    [Fact]
    public async Task A_revocation_by_another_process_on_the_same_journal_counts_from_the_next_use_on()
    {
        await using var stage = await CapabilityStage.OpenAsync(_world);
        var hotel = await stage.ActivateAsync("hotel");
        Assert.Equal("Bern", await stage.PlanAsync());

        var stream = StreamId.OfCapabilities(CapabilityStage.Execution.Tenant);
        var change = CapabilityJson.Write(CapabilityChange.Revoke(hotel, 2, CapabilityStage.Operator, "a hole"));
        await stage.Journal.AppendAsync(new StreamAppend(stream, await stage.Journal.VersionAsync(stream), [change], []));

        Assert.StartsWith("failed UntrustedCapability", await stage.PlanAsync(), StringComparison.Ordinal);
    }
}
