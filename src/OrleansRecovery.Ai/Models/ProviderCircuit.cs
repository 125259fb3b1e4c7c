using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Ai.Models;

/// <summary>Whether a provider is asked at all: the breaker that issuers have, over its failures. Kept in memory alone; that it was open stands in the record of the call.</summary>
internal sealed class ProviderCircuit(int failureCountMax)
{
    private readonly Lock _lock = new();
    private readonly BreakerRule _rule = new(failureCountMax, WindowMilliseconds: 60_000, SuspensionMilliseconds: 30_000);
    private BreakerState? _state;

    private BreakerState State
    {
        get => _state ??= BreakerState.Start(_rule);
        set => _state = value;
    }

    /// <summary>May it be asked? When it has been suspended long enough, one caller may, and the next ones wait for what that comes to.</summary>
    internal bool MayTry(long now)
    {
        lock (_lock)
        {
            if (State.Phase == BreakerPhase.Closed)
            {
                return true;
            }

            if (!State.IsOver(now))
            {
                return false;
            }

            State = BreakerMachine.Apply(State, new BreakerInput.SuspensionOver(now)).State;
            State = BreakerMachine.Apply(State, new BreakerInput.Admitted(now)).State;
            return true;
        }
    }

    internal void Failed(long now)
    {
        lock (_lock)
        {
            State = BreakerMachine.Apply(State, new BreakerInput.FoundFalse(now)).State;
        }
    }

    internal void Answered()
    {
        lock (_lock)
        {
            State = BreakerState.Start(_rule);
        }
    }
}
