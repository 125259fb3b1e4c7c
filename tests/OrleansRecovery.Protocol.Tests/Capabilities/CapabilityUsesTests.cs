using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Capabilities;

/// <summary>Which intervals used a capability, from what the journal says.</summary>
public sealed class CapabilityUsesTests
{
    private static readonly CapabilityId Hotel = Attester.Capability;
    private static readonly CapabilityId Other = Attester.Named("hotel", "other code");

    [Fact]
    public void A_turn_of_the_code_uses_it_in_all_its_intervals_and_the_next_turn_does_not()
    {
        Assert.Equal(
            [(1, false), (2, false)],
            Uses(Opened(1), Consumed(Hotel), Opened(2, IntervalCause.Response), Ended, Opened(3), Consumed(null), Ended, Opened(4), Consumed(Other), Ended));
    }

    [Fact]
    public void An_action_uses_its_own_capability_where_it_was_not_refused()
    {
        var refusedByGate = Intended(Hotel) with { Gate = new GateRecord(new MessageId(A("x"), S(1)), GateStep.Action, default, 0, "v", Refusal: GateRefusal.UntrustedCapability) };

        Assert.Equal([(1, false)], Uses(Opened(1), Consumed(null), Intended(Hotel), Ended));
        Assert.Empty(Uses(Opened(1), Consumed(null), refusedByGate, Ended));
        Assert.Empty(Uses(Opened(1), Consumed(null), Intended(Hotel), new ActionSettled(S(2), false, default, null, GateRefusal.UntrustedCapability), Ended));
        Assert.Equal([(1, false)], Uses(Opened(1), Consumed(null), Intended(Hotel), new ActionSettled(S(2), false, default), Ended)); // it ran, and failed
    }

    [Fact]
    public void What_was_undone_is_said_to_be_and_a_turn_that_went_back_to_its_middle_goes_on_using_it()
    {
        Assert.Equal([(1, true)], Uses(Opened(1), Consumed(Hotel), Ended, Back(1, 2), Opened(3), Consumed(Other), Ended));
        Assert.Equal([(1, false), (2, true), (3, false)], Uses(Opened(1), Consumed(Hotel), Opened(2, IntervalCause.Response), Back(2, 3), Ended));
    }

    [Fact]
    public void Code_that_goes_on_with_a_turn_of_another_build_uses_it_from_there()
    {
        Assert.Equal([(2, false)], Uses(Opened(1), Consumed(Other), Opened(2, IntervalCause.Response), Intended(Hotel) with { Name = CapabilityUses.CodeStepName }, Ended));
    }

    [Fact]
    public void Journals_from_before_there_were_any_are_read_and_use_none()
    {
        var before = """{"event":"message_consumed","message":{"sender":"a","sequence":1},"sent_in":1,"sender_incarnation":0,"dependency":"message","strength":"required","begins_turn":true}"""u8;

        Assert.Null(Assert.IsType<MessageConsumed>(AgentEventJson.Read(before)).Capability);
        Assert.DoesNotContain("capability", System.Text.Encoding.UTF8.GetString(AgentEventJson.Write(Consumed(null))), StringComparison.Ordinal);
        Assert.Equal(Hotel, ((MessageConsumed)AgentEventJson.Read(AgentEventJson.Write(Consumed(Hotel)))).Capability);
    }

    private static readonly TurnEnded Ended = new(new string('0', 64), false);

    private static IntervalOpened Opened(long number, IntervalCause cause = IntervalCause.Message) => new(C(number), Incarnation.First, cause, 0);

    private static MessageConsumed Consumed(CapabilityId? capability) => new(
        new MessageId(A("x"), S(1)), C(1), Incarnation.First, DependencyKind.Message, DependencyStrength.Required, true, null, capability);

    private static ActionIntended Intended(CapabilityId? capability) => new("book", ActionClass.Compensatable, default, false, true, null, capability);

    private static RolledBack Back(long target, long opens) => new(Recovery, C(target), Incarnation.Of(1), C(opens), [], 0);

    private static IEnumerable<(int Number, bool IsUndone)> Uses(params AgentEvent[] records)
    {
        var uses = new CapabilityUses(Hotel);
        for (var position = 0; position < records.Length; position++)
        {
            uses.Add(S(position), records[position]);
        }

        return uses.Intervals.Select(interval => ((int)interval.Number.Number, interval.IsUndone));
    }
}
