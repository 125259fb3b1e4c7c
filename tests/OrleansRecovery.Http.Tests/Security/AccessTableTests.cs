using System.Security.Claims;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary>The table of who may do what: each kind of request, allowed and refused.</summary>
public sealed class AccessTableTests : IDisposable
{
    private const string Table = """
        {
          "acme": [
            { "who": "ann", "may": ["start", "read", "decide"] },
            { "who": "user", "may": ["send"], "agents": ["planner"] },
            { "who": "monitor", "may": ["signal"], "agents": ["hotel", "car"] },
            { "who": "watch", "may": ["signal"], "agents": ["*"] },
            { "who": "hotel", "may": ["speak", "signal"] },
            { "who": "fleet", "may": ["speak"], "agents": ["car", "boat"] },
            { "who": "gate", "may": ["relay"] }
          ],
          "globex": [ { "who": "gert", "may": ["read"] } ]
        }
        """;

    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData("ann", AccessKind.Read, null, null, true)]
    [InlineData("user", AccessKind.Read, null, null, false)]
    [InlineData("ann", AccessKind.Start, null, null, true)]
    [InlineData("hotel", AccessKind.Start, null, null, false)]
    [InlineData("ann", AccessKind.Decide, "ann", null, true)]
    [InlineData("ann", AccessKind.Decide, "bob", null, false)]
    [InlineData("user", AccessKind.Decide, "user", null, false)]
    [InlineData("user", AccessKind.Send, null, "planner", true)]
    [InlineData("user", AccessKind.Send, null, "hotel", false)]
    [InlineData("ann", AccessKind.Send, null, "planner", false)]
    [InlineData("monitor", AccessKind.Signal, "monitor", "hotel", true)]
    [InlineData("monitor", AccessKind.Signal, "monitor", "car", true)]
    [InlineData("monitor", AccessKind.Signal, "monitor", "planner", false)]
    [InlineData("monitor", AccessKind.Signal, "watch", "hotel", false)]
    [InlineData("watch", AccessKind.Signal, "watch", "planner", true)]
    [InlineData("hotel", AccessKind.Signal, "hotel", "hotel", true)]
    [InlineData("hotel", AccessKind.Signal, "hotel", "car", false)]
    [InlineData("ann", AccessKind.Signal, "ann", "hotel", false)]
    [InlineData("hotel", AccessKind.Speak, "hotel", null, true)]
    [InlineData("hotel", AccessKind.Speak, "car", null, false)]
    [InlineData("fleet", AccessKind.Speak, "car", null, true)]
    [InlineData("fleet", AccessKind.Speak, "hotel", null, false)]
    [InlineData("car", AccessKind.Speak, "car", null, false)]
    [InlineData("gert", AccessKind.Read, null, null, false)]
    [InlineData("nobody", AccessKind.Read, null, null, false)]
    [InlineData(null, AccessKind.Read, null, null, false)]
    [InlineData(null, AccessKind.Signal, "monitor", "hotel", false)]
    public async Task Of_each_kind_of_request_that_alone_is_allowed_which_a_rule_names(string? peer, AccessKind kind, string? sender, string? agent, bool isAllowed) =>
        Assert.Equal(isAllowed, await MayAsync(peer, kind, sender, agent, isSigned: false));

    [Theory]
    [InlineData(null, "monitor", "hotel", true)]
    [InlineData("gate", "monitor", "hotel", true)]
    [InlineData("monitor", "monitor", "hotel", true)]
    [InlineData("ann", "monitor", "hotel", false)]
    [InlineData("gate", "monitor", "planner", false)]
    [InlineData("gate", "gate", "hotel", false)]
    [InlineData("gate", "nobody", "hotel", false)]
    public async Task A_signed_signal_is_judged_by_who_signed_it_and_a_peer_that_is_known_must_be_allowed_to_pass_it_on(string? peer, string issuer, string agent, bool isAllowed) =>
        Assert.Equal(isAllowed, await MayAsync(peer, AccessKind.Signal, issuer, agent, isSigned: true));

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"a c":[]}""")]
    [InlineData("""{"acme":[{"who":"ann","may":["everything"]}]}""")]
    [InlineData("""{"acme":[{"who":"ann"}]}""")]
    [InlineData("""{"acme":[{"who":"ann","may":["read"],"agent":["hotel"]}]}""")]
    [InlineData("""{"acme":[{"who":"","may":["read"]}]}""")]
    [InlineData("""{"acme":[{"who":"ann","may":["signal"],"agents":["ho*"]}]}""")]
    public void A_file_that_is_no_table_is_refused(string text)
    {
        File.WriteAllText(_file, text);

        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => AccessTable.Read(_file)).Error.Code);
    }

    [Fact]
    public void A_file_that_is_not_there_is_refused() =>
        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => AccessTable.Read($"{_file}.none")).Error.Code);

    private async Task<bool> MayAsync(string? peer, AccessKind kind, string? sender, string? agent, bool isSigned)
    {
        await File.WriteAllTextAsync(_file, Table);
        var identity = peer is null ? new ClaimsIdentity() : new ClaimsIdentity([new Claim(ClaimTypes.Name, peer)], "test");
        return await AccessTable.Read(_file).MayAsync(
            new ClaimsPrincipal(identity),
            new AccessRequest(kind, TenantId.Parse("acme"), ExecutionId.Parse("trip"), sender, agent is null ? null : AgentId.Parse(agent), isSigned),
            CancellationToken.None);
    }
}
