using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Tasks;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Tasks;

/// <summary>The limit of a worker's silence: random measurements, and what must hold of every limit.</summary>
public sealed class SilenceWindowProperties
{
    private static readonly SilenceRule Rule = new();

    [Fact]
    public void The_limit_never_leaves_the_rule_s_bounds() => Check((silences, cuts, rule) =>
        Assert.InRange(Window(silences, cuts).LimitBy(rule), rule.MinMilliseconds, rule.MaxMilliseconds));

    [Fact]
    public void Who_wants_to_suspect_less_often_waits_no_less() => Check((silences, cuts, rule) =>
    {
        var window = Window(silences, cuts);
        var limits = new[] { 500_000, 100_000, 10_000, 1_000, 100, 10, 1 }.Select(part => window.LimitBy(rule with { FalsePerMillion = part })).ToList();
        Assert.Equal(limits.Order(), limits);
    });

    [Fact]
    public void The_same_silences_in_another_order_give_the_same_limit() => Check((silences, _, rule) =>
        Assert.Equal(Window(silences, 0).LimitBy(rule), Window([.. silences.Reverse()], 0).LimitBy(rule)), lengthMax: SilenceWindow.SizeMax);

    [Fact]
    public void Before_enough_is_measured_policy_says_the_limit() => Check((silences, _, rule) =>
        Assert.Equal(
            Math.Clamp(Math.Max(rule.InitialMilliseconds, silences.DefaultIfEmpty().Max()), rule.MinMilliseconds, rule.MaxMilliseconds),
            Window(silences, 0).LimitBy(rule)), lengthMax: SilenceWindow.SizeMin - 1);

    [Fact]
    public void A_worker_that_is_slow_and_was_measured_to_be_is_not_suspected_for_it() => Check((silences, _, _) =>
    {
        var window = Window([.. silences.Select(silence => 40_000 + (silence % 20_000))], 0);
        if (window.Count >= SilenceWindow.SizeMin)
        {
            Assert.True(window.LimitBy(Rule) >= 60_000 * 3 / 4);
            Assert.True(window.LimitBy(Rule) >= silences.TakeLast(SilenceWindow.SizeMax).Max(silence => 40_000 + (silence % 20_000)));
        }
    });

    [Fact]
    public void After_a_window_of_a_new_latency_the_old_one_is_forgotten() => Check((silences, cuts, rule) =>
    {
        var fast = Enumerable.Range(0, SilenceWindow.SizeMax).Select(index => 20_000L + (index % 10)).ToArray();
        var shifted = fast.Aggregate(Window(silences, cuts), (window, silence) => window.With(S(0), silence, false));
        Assert.Equal(Window(fast, 0).LimitBy(rule), shifted.LimitBy(rule));
    });

    [Fact]
    public void A_worker_that_is_cut_off_again_and_again_soon_has_all_the_time_that_there_is()
    {
        var window = Enumerable.Range(0, 64).Aggregate(SilenceWindow.Empty, (known, index) => known.With(S(index), 100, false));
        Assert.Equal(Rule.MinMilliseconds, window.LimitBy(Rule));
        var times = 0;
        for (; window.LimitBy(Rule) < Rule.MaxMilliseconds; times++)
        {
            window = window.With(S(times), window.LimitBy(Rule), true);
        }

        Assert.InRange(times, 1, 6);
    }

    private static SilenceWindow Window(long[] silences, int cuts) =>
        silences.Index().Aggregate(SilenceWindow.Empty, (window, item) => window.With(S(item.Index), item.Item, item.Index < cuts));

    private static void Check(Action<long[], int, SilenceRule> holds, int lengthMax = 300)
    {
        var silence = Gen.OneOf(
            Gen.Choose(0, 1_000).Select(number => (long)number),
            Gen.Choose(0, int.MaxValue).Select(number => (long)number),
            Gen.Elements(0L, -1L, long.MinValue, long.MaxValue));
        var cases =
            from length in Gen.Choose(0, lengthMax)
            from silences in silence.ArrayOf(length)
            from cuts in Gen.Choose(0, 3)
            from bounds in Gen.Choose(1, 86_400_000).ArrayOf(3)
            from part in Gen.Choose(1, 500_000)
            let sorted = bounds.Order().ToArray()
            select (silences, cuts, new SilenceRule { MinMilliseconds = sorted[0], InitialMilliseconds = sorted[1], MaxMilliseconds = sorted[2], FalsePerMillion = part });
        Prop.ForAll(cases.ToArbitrary(), item => holds(item.silences, item.cuts, item.Item3)).QuickCheckThrowOnFailure();
    }
}
