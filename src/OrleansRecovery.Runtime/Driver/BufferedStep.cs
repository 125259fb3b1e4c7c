using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>A record of a turn that waits to be made durable. Its position, and so its id, is known only then.</summary>
internal sealed class BufferedStep
{
    private readonly Func<AgentEvent> _make;

    internal BufferedStep(AgentEvent record)
    {
        _make = () => record;
        GoesWithTurn = record is MessageSent or DependencyDeclared;
        IsOutcome = record is ActionSettled;
    }

    private BufferedStep(BufferedStep intent, Func<AgentEvent> make) => (_make, Intent, IsOutcome) = (make, intent, true);

    /// <summary>A turn that fails before this is durable does not leave it behind.</summary>
    internal bool GoesWithTurn { get; }

    internal bool IsOutcome { get; }

    /// <summary>For an outcome: the intent, if that was not durable either when this was made.</summary>
    internal BufferedStep? Intent { get; }

    /// <summary>Where it stands in the journal; null until it is being written.</summary>
    internal SequenceNumber? Position { get; private set; }

    /// <summary>What an action came to whose intent is one of these steps.</summary>
    internal static BufferedStep OutcomeOf(BufferedStep intent, bool succeeded, JsonElement result, Charge? spent = null) =>
        new(intent, () => new ActionSettled(intent.Position!.Value, succeeded, result, spent));

    internal AgentEvent PlaceAt(SequenceNumber position)
    {
        Position = position;
        return _make();
    }
}
