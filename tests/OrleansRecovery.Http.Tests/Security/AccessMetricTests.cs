using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary>Who is refused at the door is counted, by what refused it; who is let in is not. Alone: what is listened to is the process's.</summary>
[Collection(MetricsAlone.Name)]
public sealed class AccessMetricTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _stranger = new();
    private readonly ConcurrentQueue<string> _refused = [];
    private readonly MeterListener _meter = new();
    private volatile string _shutOut = string.Empty;

    public AccessMetricTests()
    {
        _meter.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == RecoveryTelemetry.Name && instrument.Name == "recovery.access.refused")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meter.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            _refused.Enqueue(string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}").Append($"{value}"))));
        _meter.Start();
    }

    public void Dispose()
    {
        _meter.Dispose();
        _authority.Dispose();
        _stranger.Dispose();
    }

    [Fact]
    public async Task Every_refusal_at_the_door_is_counted_by_what_refused_it()
    {
        var tenant = new Dictionary<TenantId, IReadOnlyList<AccessRule>> { [TenantId.Parse("acme")] = [new AccessRule(IssuerId.Parse("ann"), [AccessKind.Start, AccessKind.Read])] };
        var tls = _authority.Server() with { IsRevoked = certificate => certificate.SerialNumber == _shutOut };
        await using var server = await TestServer.StartAsync(
            access: new AccessTable(tenant), configure: options => options with { Urls = ["https://127.0.0.1:0"], Tls = tls });
        var proof = _authority.Of("ann");
        using var ann = new ApiClient(server.Address, tls: proof.ForClient());
        await ann.StartAsync("hotel=silent");
        Assert.Equal(HttpStatusCode.OK, (await ann.GetAsync("")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await ann.GetAsync("/v1/tenants/acme/executions/none")).Status); // let in, and nothing is there
        Assert.Empty(Taken());

        AssertRefused(await ann.SendAsync(HttpMethod.Put, "paused", """{"value":true,"by":"ann","reason":"x"}"""));
        AssertRefused(await ann.GetAsync("/v1/tenants/other/issuers"));
        Assert.Equal(
            ["recovery.access.refused_by=rule recovery.access.right=decide 1", "recovery.access.refused_by=rule recovery.access.right=read 1"], Taken());

        AssertRefused(await ann.SendAsync(HttpMethod.Put, "paused", """{"value":true,"by":"ann","reason":"x"}""", headers: ("Sec-Fetch-Site", "cross-site")));
        Assert.Equal(["recovery.access.refused_by=site 1"], Taken());

        _shutOut = proof.Certificate.SerialNumber; // over the connection that is open
        AssertRefused(await ann.GetAsync(""));
        Assert.Equal(["recovery.access.refused_by=certificate 1"], Taken());

        using var stranger = new ApiClient(server.Address, tls: (_stranger.Of("ann") with { Authorities = [_authority.Certificate] }).ForClient());
        await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync(""));
        Assert.Equal(["recovery.access.refused_by=certificate 1"], Taken().Distinct()); // a client tries again whose connection was closed
    }

    private List<string> Taken()
    {
        List<string> taken = [.. _refused];
        _refused.Clear();
        return taken;
    }

    private static void AssertRefused(ApiAnswer answer) => Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error));
}

/// <summary>Tests that listen to the process's metrics, after all the others.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class MetricsAlone
{
    public const string Name = "metrics";
}
