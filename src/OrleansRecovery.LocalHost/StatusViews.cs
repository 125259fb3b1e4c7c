using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.LocalHost;

/// <summary>What users see of the machines' states.</summary>
internal static class StatusViews
{
    internal static RecoveryStatus Status(CoordinatorState state) => new(
        state.Recovery,
        state.Phase,
        [.. state.Suspects],
        state.Targets,
        state.Compensation?.Order.SettledCount ?? 0,
        state.Compensation?.Order.ActionCount ?? 0,
        state.Residue,
        state.Escalation?.Reason);

    internal static RecoveryProgress Progress(CoordinatorState state)
    {
        var falling = state.Falling.ToList();
        var (done, total) = state.Phase switch
        {
            CoordinatorPhase.Preparing => (state.Members.Count(member => member.Value.Vote is not null), state.Members.Count),
            CoordinatorPhase.Compensating => (state.Compensation!.Order.SettledCount, state.Compensation.Order.ActionCount),
            CoordinatorPhase.Restoring => (falling.Count(member => member.Value.IsRestored), falling.Count),
            _ => (falling.Count, falling.Count),
        };
        var subject = state.Compensation is { Order.IsComplete: false } compensation && !compensation.Order.Ready.IsEmpty
            ? $"{compensation.Order.Ready[0].Agent}: {compensation.Order.Find(compensation.Order.Ready[0]).Name}"
            : null;
        return new RecoveryProgress(state.Recovery, state.Phase, done, total, subject);
    }
}
