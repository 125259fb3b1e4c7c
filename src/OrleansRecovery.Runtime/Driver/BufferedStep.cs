using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>A record of a turn that waits to be made durable. Its position, and so its id, is known only then.</summary>
internal sealed class BufferedStep
{
    private readonly Func<SequenceNumber, AgentEvent> _make;

    internal BufferedStep(AgentEvent record)
    {
        _make = _ => record;
        GoesWithTurn = record is MessageSent or DependencyDeclared;
        IsOutcome = record is ActionSettled;
    }

    /// <summary>A record that names its own position, or one near it.</summary>
    internal BufferedStep(Func<SequenceNumber, AgentEvent> make) => _make = make;

    /// <summary>A turn that fails before this is durable does not leave it behind.</summary>
    internal bool GoesWithTurn { get; }

    internal bool IsOutcome { get; }

    /// <summary>Where it stands in the journal; null until it is being written.</summary>
    internal SequenceNumber? Position { get; private set; }

    internal AgentEvent PlaceAt(SequenceNumber position)
    {
        Position = position;
        return _make(position);
    }
}
