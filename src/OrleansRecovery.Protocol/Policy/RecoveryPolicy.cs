using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Tasks;

namespace OrleansRecovery.Protocol.Policy;

/// <summary>Where restore points are taken: it decides how much falls (theory, 1.3).</summary>
[JsonConverter(typeof(WireNameConverter<CheckpointRule>))]
public enum CheckpointRule
{
    /// <summary>Before every consumed message and before every consumed response: the undone set is exactly the causal future.</summary>
    EveryReceipt,

    /// <summary>Before every consumed message only: an agent that waits for a response falls with all that it did before the wait.</summary>
    EveryTurn,

    /// <summary>Only where the agent asks for one. More falls; cycles are possible.</summary>
    ExplicitOnly,
}

/// <summary>What happens when a participant cannot go back cleanly.</summary>
[JsonConverter(typeof(WireNameConverter<RefusedVoteRule>))]
public enum RefusedVoteRule
{
    /// <summary>The recovery waits for an operator.</summary>
    Escalate,

    /// <summary>The recovery ends and nothing is changed.</summary>
    Abort,

    /// <summary>All that can be undone is, and the rest is named as residue.</summary>
    ProceedWithResidue,
}

/// <summary>What happens when a participant does not vote, however often it is asked.</summary>
[JsonConverter(typeof(WireNameConverter<SilentParticipantRule>))]
public enum SilentParticipantRule
{
    /// <summary>The recovery waits for an operator, and the others stay fenced.</summary>
    Escalate,

    /// <summary>The recovery ends and nothing is changed: so no fence outlasts the tries.</summary>
    Abort,
}

/// <summary>What happens when every try of a compensation has failed.</summary>
[JsonConverter(typeof(WireNameConverter<FailedCompensationRule>))]
public enum FailedCompensationRule
{
    /// <summary>The recovery waits for an operator, who may have it tried again or named as residue.</summary>
    Escalate,

    /// <summary>The action is named as residue and the recovery goes on.</summary>
    Residue,
}

/// <summary>What happens to the agent that failed, after the rollback.</summary>
[JsonConverter(typeof(WireNameConverter<AfterRollbackRule>))]
public enum AfterRollbackRule
{
    /// <summary>It goes on: what was in transit is redelivered, and the work is done again.</summary>
    Retry,

    /// <summary>A fallback agent goes on from the agent's checkpoint; without one, the execution stops.</summary>
    Fallback,

    /// <summary>The execution stops.</summary>
    Stop,
}

/// <summary>When an action that nothing undoes may run (theory, R15).</summary>
[JsonConverter(typeof(WireNameConverter<IrrevocableActionRule>))]
public enum IrrevocableActionRule
{
    /// <summary>When the whole causal past of its interval is sealed; until then it waits.</summary>
    WhenSealed,

    /// <summary>At once; the record shows that policy allowed it.</summary>
    Allow,
}

/// <summary>Which code may run in an execution.</summary>
[JsonConverter(typeof(WireNameConverter<CapabilityRule>))]
public enum CapabilityRule
{
    /// <summary>Of names that a tenant's capabilities guard, what is active; of other names, any.</summary>
    WhereGuarded,

    /// <summary>Only what is active: an agent class, and an action whose code is not its class's own, needs a capability.</summary>
    Required,
}

/// <summary>
/// What policy decides about the recoveries of one execution (recovery model, section 3). Fixed when the execution starts, and
/// written to its log, so that a replay decides the same.
/// </summary>
public sealed record RecoveryPolicy
{
    /// <summary>The defaults: exact sets, operators asked before anything is given up.</summary>
    public static RecoveryPolicy Default { get; } = new();

    /// <summary>Where restore points are taken. Default: before every receipt.</summary>
    public CheckpointRule Checkpoints { get; init; } = CheckpointRule.EveryReceipt;

    /// <summary>What a refused vote does. Default: escalate.</summary>
    public RefusedVoteRule RefusedVote { get; init; } = RefusedVoteRule.Escalate;

    /// <summary>What a participant that stays silent does. Default: escalate.</summary>
    public SilentParticipantRule SilentParticipant { get; init; } = SilentParticipantRule.Escalate;

    /// <summary>What a failed compensation does. Default: escalate.</summary>
    public FailedCompensationRule FailedCompensation { get; init; } = FailedCompensationRule.Escalate;

    /// <summary>What happens after the rollback. Default: retry.</summary>
    public AfterRollbackRule AfterRollback { get; init; } = AfterRollbackRule.Retry;

    /// <summary>
    /// With <see cref="AfterRollbackRule.Fallback"/>: so many of the recoveries that one agent's failures cause are followed by a retry, before its fallback takes over.
    /// Range 0 to 1,000; default 0: it takes over at once.
    /// </summary>
    public int RetryCountMax { get; init; }

    /// <summary>When an irrevocable action may run. Default: when its causal past is sealed.</summary>
    public IrrevocableActionRule IrrevocableActions { get; init; } = IrrevocableActionRule.WhenSealed;

    /// <summary>Largest number of agents that may fall without approval. Range 1 to 1,000,000; default 1,000.</summary>
    public int AgentCountMax { get; init; } = 1_000;

    /// <summary>
    /// So many issuers that say the same lift the need for approval of a larger set: each suspect interval, or an earlier one of its agent, was named by so many. The host's
    /// own signals do not count. Range 0, which means that nothing but approval lifts it, to 100; default 0.
    /// </summary>
    public int CorroborationCount { get; init; }

    /// <summary>How many recoveries one agent's failures may cause before the execution is escalated. Range 0 to 1,000; default 3.</summary>
    public int RecoveryCountMax { get; init; } = 3;

    /// <summary>How often a compensation is tried in all. Range 1 to 100; default 5.</summary>
    public int CompensationTryCountMax { get; init; } = 5;

    /// <summary>The wait before the second try of a compensation, in milliseconds; doubled each time, with jitter. Range 1 to 600,000; default 200.</summary>
    public int CompensationBackoffMilliseconds { get; init; } = 200;

    /// <summary>The longest run of one try of an action or compensation, in milliseconds. Range 1 to 86,400,000; default 30,000.</summary>
    public int ActionTimeoutMilliseconds { get; init; } = 30_000;

    /// <summary>How long the coordinator waits for votes before it asks again, in milliseconds. Range 10 to 3,600,000; default 5,000.</summary>
    public int VoteTimeoutMilliseconds { get; init; } = 5_000;

    /// <summary>How often it asks before <see cref="SilentParticipant"/> says what becomes of it. Range 1 to 100; default 6.</summary>
    public int VoteTryCountMax { get; init; } = 6;

    /// <summary>How long after its end an interval can still be found wrong, in milliseconds; older ones are sealed. Range 0 to 31,536,000,000; default 24 hours.</summary>
    public long DetectionWindowMilliseconds { get; init; } = 24 * 3600 * 1000L;

    /// <summary>How long a worker may show no sign of life in a task. Default: as its earlier silences say, between 10 seconds and 10 minutes.</summary>
    public SilenceRule Silence { get; init => field = value ?? new(); } = new(); // null: somebody left it out

    /// <summary>Which code may run. Default: of guarded names what is active, and any other.</summary>
    public CapabilityRule Capabilities { get; init; } = CapabilityRule.WhereGuarded;

    /// <summary>A copy of an agent's state is kept every so many turns; between them turns are replayed. Range 1 to 1,000; default 1.</summary>
    public int SnapshotEveryTurns { get; init; } = 1;

    /// <summary>The policy when every value is in its range; otherwise an error that names the value.</summary>
    /// <exception cref="RecoveryException">A value is out of range or contradicts another.</exception>
    public RecoveryPolicy Validated()
    {
        Check(nameof(AgentCountMax), AgentCountMax, 1, 1_000_000);
        Check(nameof(CorroborationCount), CorroborationCount, 0, 100);
        Check(nameof(RecoveryCountMax), RecoveryCountMax, 0, 1_000);
        Check(nameof(RetryCountMax), RetryCountMax, 0, 1_000);
        Check(nameof(CompensationTryCountMax), CompensationTryCountMax, 1, 100);
        Check(nameof(CompensationBackoffMilliseconds), CompensationBackoffMilliseconds, 1, 600_000);
        Check(nameof(ActionTimeoutMilliseconds), ActionTimeoutMilliseconds, 1, 86_400_000);
        Check(nameof(VoteTimeoutMilliseconds), VoteTimeoutMilliseconds, 10, 3_600_000);
        Check(nameof(VoteTryCountMax), VoteTryCountMax, 1, 100);
        Check(nameof(DetectionWindowMilliseconds), DetectionWindowMilliseconds, 0, 31_536_000_000);
        Check(nameof(SnapshotEveryTurns), SnapshotEveryTurns, 1, 1_000);
        Check(nameof(Silence.MinMilliseconds), Silence.MinMilliseconds, 1, 86_400_000);
        Check(nameof(Silence.InitialMilliseconds), Silence.InitialMilliseconds, Silence.MinMilliseconds, 86_400_000);
        Check(nameof(Silence.MaxMilliseconds), Silence.MaxMilliseconds, Silence.InitialMilliseconds, 86_400_000);
        Check(nameof(Silence.FalsePerMillion), Silence.FalsePerMillion, 1, 500_000);
        return this;
    }

    private static void Check(string name, long value, long min, long max) => Setting.Check("The policy's", "The execution was not started.", name, value, min, max);
}
