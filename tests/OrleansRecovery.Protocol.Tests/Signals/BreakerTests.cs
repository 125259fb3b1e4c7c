using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Protocol.Tests.Signals;

/// <summary>When an issuer is suspended, tried and trusted again: the machine against a twin that keeps the whole history and asks it.</summary>
public sealed class BreakerTests
{
    private const int Window = 1_000;
    private const int Suspension = 300;

    private static readonly BreakerRule Rule = new(3, Window, Suspension);

    [Fact]
    public void It_opens_at_the_last_false_signal_that_counts_and_not_before()
    {
        var two = Fold(new BreakerInput.FoundFalse(1), new BreakerInput.FoundFalse(900));
        Assert.Equal(BreakerPhase.Closed, two.Phase);

        Assert.Equal(BreakerPhase.Open, BreakerMachine.Apply(two, new BreakerInput.FoundFalse(1_000)).State.Phase);
        Assert.Equal(BreakerPhase.Closed, BreakerMachine.Apply(two, new BreakerInput.FoundFalse(1_001)).State.Phase); // the first is forgotten by then
    }

    [Fact]
    public void Half_open_one_true_signal_closes_it_and_a_false_one_opens_it_again()
    {
        var half = Fold(new BreakerInput.FoundFalse(1), new BreakerInput.FoundFalse(2), new BreakerInput.FoundFalse(3), new BreakerInput.SuspensionOver(303));

        Assert.Equal((BreakerPhase.HalfOpen, 0L), (half.Phase, half.Since));
        var closed = BreakerMachine.Apply(half, new BreakerInput.FoundTrue(400));
        Assert.Equal((BreakerPhase.Closed, 0), (closed.State.Phase, closed.State.FalseAt.Count));
        Assert.Equal([BreakerEffect.Trusted], closed.Effects);
        var open = BreakerMachine.Apply(half, new BreakerInput.FoundFalse(400));
        Assert.Equal((BreakerPhase.Open, 400L), (open.State.Phase, open.State.Since));
        Assert.Equal([BreakerEffect.Suspended], open.Effects);
    }

    [Fact]
    public void What_cannot_happen_has_a_row_of_its_own_and_changes_nothing()
    {
        var closed = BreakerState.Start(Rule);

        var step = BreakerMachine.Apply(closed, new BreakerInput.SuspensionOver(5));

        Assert.Equal(("B04", false), (step.Row, step.IsLegal));
        Assert.Same(closed, step.State);
    }

    [Fact]
    public void It_stands_where_its_twin_stands_that_reads_the_whole_history() =>
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, 400).SelectMany(elapsed => Gen.Choose(0, 4).Select(kind => (elapsed, kind)))).ToArbitrary(), steps =>
        {
            var (state, now) = (BreakerState.Start(Rule), 1L);
            var twin = new Twin();
            foreach (var (elapsed, kind) in steps)
            {
                now += elapsed;
                var input = InputOf((BreakerInputKind)kind, now);
                var step = BreakerMachine.Apply(state, input);
                Assert.Equal(twin.Phase != BreakerPhase.Closed || input.Kind != BreakerInputKind.SuspensionOver, step.IsLegal);
                state = step.State;
                twin.Take(input);
                Assert.Equal((twin.Phase, twin.Since), (state.Phase, state.Since));
                Assert.Equal(twin.Count(now), state.FalseCount(now));
            }
        }).QuickCheckThrowOnFailure();

    private static BreakerState Fold(params BreakerInput[] inputs) =>
        inputs.Aggregate(BreakerState.Start(Rule), (state, input) => BreakerMachine.Apply(state, input).State);

    private static BreakerInput InputOf(BreakerInputKind kind, long at) => kind switch
    {
        BreakerInputKind.Admitted => new BreakerInput.Admitted(at),
        BreakerInputKind.FoundFalse => new BreakerInput.FoundFalse(at),
        BreakerInputKind.FoundTrue => new BreakerInput.FoundTrue(at),
        BreakerInputKind.SuspensionOver => new BreakerInput.SuspensionOver(at),
        _ => new BreakerInput.Reinstated(at),
    };

    // Keeps everything since the last time that the issuer was trusted, and forgets nothing else.
    private sealed class Twin
    {
        private readonly List<long> _false = [];
        private bool _isOpen;
        private bool _isTried;

        public long Since { get; private set; }

        public BreakerPhase Phase => _isOpen ? BreakerPhase.Open : _isTried ? BreakerPhase.HalfOpen : BreakerPhase.Closed;

        public int Count(long now) => _false.Count(at => at > now - Window);

        public void Take(BreakerInput input)
        {
            switch (input.Kind)
            {
                case BreakerInputKind.Admitted when _isTried:
                    Since = input.At;
                    break;
                case BreakerInputKind.FoundFalse:
                    _false.Add(input.At);
                    if (_isOpen || _isTried || Count(input.At) >= 3)
                    {
                        (_isOpen, _isTried, Since) = (true, false, input.At);
                    }

                    break;
                case BreakerInputKind.SuspensionOver when _isOpen || _isTried:
                    (_isOpen, _isTried, Since) = (false, true, 0);
                    break;
                case BreakerInputKind.FoundTrue when _isTried:
                case BreakerInputKind.Reinstated:
                    _false.Clear();
                    (_isOpen, _isTried, Since) = (false, false, 0);
                    break;
            }
        }
    }
}
