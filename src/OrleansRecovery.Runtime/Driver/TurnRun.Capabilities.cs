using System.Text.Json;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Driver;

/// <content>
/// Capabilities: what is used stands in the journal first, and then somebody looks whether it may be used. So a revocation either stops a use, or finds it.
/// </content>
internal sealed partial class TurnRun
{
    private CapabilityView _view; // the last look

    // The capability that the agent's code is, by the last look; null where none guards it, or it is refused.
    private CapabilityId? CodeInUse => Judge().Capability;

    private CapabilityRuling Judge() => _driver.Behavior.Judge(_view, _driver.Setup.Policy.Capabilities);

    private CapabilityRuling Judge(ActionBehavior action) => _driver.Behavior.Judge(action, _view, _driver.Setup.Policy.Capabilities);

    // Before the handler begins, or goes on in another process: which may be of another build than the one that began.
    private async Task NoteCodeAsync()
    {
        if (_replayOnly || CodeInUse is not { } code)
        {
            return;
        }

        if (HasJournalled && _recorded.Code != code)
        {
            NoteUse(code);
        }

        await FlushAsync();
        _view = await _driver.LookAsync(_stop.Token);
        _driver.RefuseCode(_view, _recorded.HasMore ? null : _message);
    }

    /// <summary>Why an action that is about to run may not, by what is durable now; null when it may. Its intent is durable already, where a capability guards it.</summary>
    private async Task<string?> FaultOfUseAsync(ActionBehavior action, CapabilityId? recorded)
    {
        if (_driver.Setup.Capabilities is null)
        {
            return null;
        }

        while (true)
        {
            _view = await OrFaultedAsync(_driver.LookAsync(_stop.Token));
            var ruling = Judge(action);
            if (ruling.Fault is not null || ruling.Capability is not { } used || used == recorded)
            {
                return ruling.Fault;
            }

            NoteUse(used); // it came into use since the intent was recorded, or an earlier build recorded that
            recorded = used;
            await FlushAsync();
        }
    }

    private void NoteUse(CapabilityId capability)
    {
        lock (_buffer)
        {
            var intent = Add(new BufferedStep(new ActionIntended(CapabilityUses.CodeStepName, ActionClass.Pure, Nothing, false, false, null, capability)));
            Add(BufferedStep.OutcomeOf(intent, true, Nothing));
        }
    }

    // Nothing ran, and nothing is charged.
    private async Task<ActionFailedException> RefusedAsync(ActionBehavior action, string fault, SequenceNumber position, Admission? admission)
    {
        Buffer(new BufferedStep(new ActionSettled(
            position, false, JsonSerializer.SerializeToElement(fault), Settled(admission, default(Charge), hasFailed: true), GateRefusal.UntrustedCapability)));
        await _driver.FlushAsync(this, null, CancellationToken.None);
        return new ActionFailedException(action.Name, fault); // as a replay throws it
    }
}
