using System.Net;
using System.Text;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary>What an endpoint tells of issuers, and the newest head of the ledger.</summary>
public sealed class IssuerTests
{
    [Fact]
    public async Task The_health_of_issuers_and_the_newest_signed_head_are_told_to_who_may_read()
    {
        await using var server = await TestServer.StartAsync();
        await server.Client.StartAsync("hotel=silent");
        await server.Client.AppendAsync("hotel", 0, Hand.Start);
        Assert.Equal(HttpStatusCode.NoContent, (await server.Client.GetAsync("/v1/tenants/other/ledger/head")).Status);

        Assert.Equal(HttpStatusCode.Accepted, (await server.Client.SignalAsync("hotel", 0)).Status);

        var issuer = Assert.Single((await server.Client.GetAsync("/v1/tenants/acme/issuers")).Json["items"]!.AsArray())!;
        Assert.Equal(("monitor", "closed", 1, 1L), ((string)issuer["issuer"]!, (string)issuer["phase"]!, (int)issuer["price"]!, (long)issuer["admitted"]!));
        Assert.Empty((await server.Client.GetAsync("/v1/tenants/other/issuers")).Json["items"]!.AsArray());
        var answer = await server.Client.GetAsync("/v1/tenants/acme/ledger/head");
        Assert.True(PublishedHead.TryRead(Encoding.UTF8.GetBytes(answer.Text), out var head, out var error), error?.Cause);
        var verifier = new LedgerVerifier(new LedgerTrust(PublishedHeads: [head]));
        await foreach (var stored in server.Journal.ReadAsync(StreamId.OfLedger(TenantId.Parse("acme"))))
        {
            Assert.True(verifier.Check(stored.Body.Span), verifier.Fault?.What);
        }

        Assert.True(verifier.Conclude(), verifier.Fault?.What);
    }
}
