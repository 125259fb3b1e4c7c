using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Tests.Guarded;
using OrleansRecovery.Runtime.Tests.Telemetry;

namespace OrleansRecovery.Runtime.Tests.Capabilities;

/// <summary>What is told of capabilities.</summary>
[Collection(TelemetryAlone.Name)]
public sealed class CapabilityMetricTests
{
    [Fact]
    public async Task A_capability_that_is_activated_and_one_that_is_revoked_are_counted_once()
    {
        using var watch = new TelemetryWatch();
        await using var stage = await CapabilityStage.OpenAsync(new TaskWorld());
        var active = await stage.ActivateAsync("hotel");
        await stage.ActivateAsync("hotel");
        Assert.Equal((1, 0), (watch.Sum("recovery.capabilities.allowed"), watch.Sum("recovery.capabilities.withdrawn")));

        await stage.RevokeAsync(active);
        await stage.RevokeAsync(active);
        await stage.RevokeAsync(CapabilityId.Of(active.Name, new string('c', 64))); // it never was active

        Assert.Equal((1, 1), (watch.Sum("recovery.capabilities.allowed"), watch.Sum("recovery.capabilities.withdrawn")));
    }
}
