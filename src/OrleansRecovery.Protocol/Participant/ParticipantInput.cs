using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Participant;

/// <summary>What may happen to a participant.</summary>
public enum ParticipantInputKind
{
    /// <summary><see cref="ParticipantInput.Work"/>.</summary>
    Work,

    /// <summary><see cref="ParticipantInput.Prepare"/>.</summary>
    Prepare,

    /// <summary><see cref="ParticipantInput.Abort"/>.</summary>
    Abort,

    /// <summary><see cref="ParticipantInput.Commit"/>.</summary>
    Commit,

    /// <summary><see cref="ParticipantInput.Compensate"/>.</summary>
    Compensate,

    /// <summary><see cref="ParticipantInput.Settled"/>.</summary>
    Settled,

    /// <summary><see cref="ParticipantInput.Restore"/>.</summary>
    Restore,

    /// <summary><see cref="ParticipantInput.Release"/>.</summary>
    Release,

    /// <summary><see cref="ParticipantInput.Silence"/>.</summary>
    Silence,
}

/// <summary>What may happen to a participant. Time and the journal's contents come in with it.</summary>
public abstract record ParticipantInput
{
    private ParticipantInput()
    {
    }

    /// <summary>Which input it is.</summary>
    public abstract ParticipantInputKind Kind { get; }

    /// <summary>What the coordinator said, or null when the input is the agent's own.</summary>
    public virtual ParticipantMessage? Said => null;

    /// <summary>The agent is about to journal work of its own.</summary>
    public sealed record Work : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Work;
    }

    /// <summary>The coordinator asks for a promise.</summary>
    /// <param name="Message">The request.</param>
    /// <param name="Estimate">What the agent's journal says to it.</param>
    public sealed record Prepare(Messages.Prepare Message, UndoEstimate Estimate) : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Prepare;

        /// <inheritdoc/>
        public override ParticipantMessage Said => Message;
    }

    /// <summary>The coordinator says that nothing is to be changed.</summary>
    /// <param name="Message">The decision.</param>
    public sealed record Abort(Messages.Abort Message) : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Abort;

        /// <inheritdoc/>
        public override ParticipantMessage Said => Message;
    }

    /// <summary>The coordinator says that the agent falls.</summary>
    /// <param name="Message">The decision.</param>
    public sealed record Commit(Messages.Commit Message) : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Commit;

        /// <inheritdoc/>
        public override ParticipantMessage Said => Message;
    }

    /// <summary>The coordinator says which actions to undo now.</summary>
    /// <param name="Message">The request.</param>
    public sealed record Compensate(Messages.Compensate Message) : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Compensate;

        /// <inheritdoc/>
        public override ParticipantMessage Said => Message;
    }

    /// <summary>A compensation that the agent ran has ended.</summary>
    /// <param name="Action">The action.</param>
    /// <param name="Try">The try that it was run for.</param>
    /// <param name="Result">How it ended.</param>
    /// <param name="Attempts">How often it was run in this try.</param>
    /// <param name="Detail">For people, or null.</param>
    public sealed record Settled(SequenceNumber Action, long Try, CompensationResult Result, int Attempts, string? Detail) : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Settled;
    }

    /// <summary>The coordinator says that every compensation is settled.</summary>
    /// <param name="Message">The request.</param>
    /// <param name="Incarnation">The agent's incarnation, from its journal.</param>
    /// <param name="Current">The interval that the agent is in, from its journal.</param>
    /// <param name="At">Now, in milliseconds since 1970 UTC.</param>
    public sealed record Restore(Messages.Restore Message, Incarnation Incarnation, CheckpointNumber Current, long At) : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Restore;

        /// <inheritdoc/>
        public override ParticipantMessage Said => Message;
    }

    /// <summary>The coordinator says that every participant is restored.</summary>
    /// <param name="Message">The request.</param>
    /// <param name="Incarnation">The agent's incarnation, from its journal.</param>
    /// <param name="Current">The interval that the agent is in, from its journal.</param>
    /// <param name="At">Now, in milliseconds since 1970 UTC.</param>
    public sealed record Release(Messages.Release Message, Incarnation Incarnation, CheckpointNumber Current, long At) : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Release;

        /// <inheritdoc/>
        public override ParticipantMessage Said => Message;
    }

    /// <summary>The coordinator has not been heard of for a while.</summary>
    public sealed record Silence : ParticipantInput
    {
        /// <inheritdoc/>
        public override ParticipantInputKind Kind => ParticipantInputKind.Silence;
    }
}
