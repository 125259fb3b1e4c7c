using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OrleansRecovery.Http.Agents;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Http.Tests.Foreign;

/// <summary>What the host does with the answers of a participant endpoint.</summary>
public sealed class DeliveryTests : IAsyncLifetime
{
    private static readonly AddressedMessage Message = new(
        new ExecutionAddress(TenantId.Parse("acme"), ExecutionId.Parse("trip")),
        new Commit(RecoveryId.Parse("r-1"), Epoch.First, AgentId.Parse("hotel"), CheckpointNumber.Of(1)));

    private readonly ConcurrentQueue<int> _statuses = new();
    private readonly ConcurrentQueue<(string Path, string Body, string? MediaType)> _received = new();
    private WebApplication _peer = null!;
    private HttpForeignAgent _agent = null!;
    private string _retryAfter = "";
    private string _location = "";

    private Uri Endpoint => new(new Uri(_peer.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()), "/take");

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _peer = builder.Build();
        _peer.Run(async http =>
        {
            using var reader = new StreamReader(http.Request.Body);
            _received.Enqueue((http.Request.Path, await reader.ReadToEndAsync(http.RequestAborted), http.Request.ContentType));
            http.Response.StatusCode = _statuses.TryDequeue(out var status) ? status : StatusCodes.Status202Accepted;
            if (_retryAfter.Length > 0 && http.Response.StatusCode >= 400)
            {
                http.Response.Headers.RetryAfter = _retryAfter;
            }

            if (_location.Length > 0)
            {
                http.Response.Headers.Location = _location;
            }
        });
        await _peer.StartAsync();
        _agent = new HttpForeignAgent(Endpoint);
    }

    public async Task DisposeAsync()
    {
        _agent.Dispose();
        await _peer.DisposeAsync();
    }

    [Theory]
    [InlineData(408)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task A_request_that_failed_for_a_while_is_repeated_as_it_was(int status)
    {
        _statuses.Enqueue(status);
        _statuses.Enqueue(status);

        Assert.True(await _agent.DeliverAsync(Message, CancellationToken.None));

        Assert.Equal(3, _received.Count);
        Assert.Equal(("/take", System.Text.Encoding.UTF8.GetString(MessageCodec.Write(Message)), ApiClient.Message), Assert.Single(_received.Distinct()));
    }

    [Fact]
    public async Task It_is_not_repeated_before_the_time_that_the_peer_names()
    {
        _retryAfter = "1";
        _statuses.Enqueue(503);
        var began = TimeProvider.System.GetTimestamp();

        Assert.True(await _agent.DeliverAsync(Message, CancellationToken.None));

        Assert.True(TimeProvider.System.GetElapsedTime(began) >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_peer_that_is_not_there_yet_is_tried_again()
    {
        var port = AgentProcess.FreePort();
        using var agent = new HttpForeignAgent(new Uri($"http://127.0.0.1:{port}/"));
        var delivery = agent.DeliverAsync(Message, CancellationToken.None);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        await using var late = builder.Build();
        late.Run(http =>
        {
            http.Response.StatusCode = StatusCodes.Status202Accepted;
            return Task.CompletedTask;
        });
        await late.StartAsync();

        Assert.True(await delivery);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(409)]
    [InlineData(413)]
    public async Task What_was_refused_is_not_sent_again_unchanged(int status)
    {
        _statuses.Enqueue(status);

        Assert.False(await _agent.DeliverAsync(Message, CancellationToken.None));

        Assert.Single(_received);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirection_is_not_followed(int status)
    {
        await using var other = await TestServer.StartAsync();
        _statuses.Enqueue(status);
        _location = new Uri(other.Address, "/v1/tenants/acme/executions/trip/messages").ToString();

        Assert.False(await _agent.DeliverAsync(Message, CancellationToken.None));

        Assert.Single(_received);
    }

    [Fact]
    public async Task What_is_no_longer_outstanding_is_not_sent_again()
    {
        for (var i = 0; i < 100; i++)
        {
            _statuses.Enqueue(503);
        }

        using var over = new CancellationTokenSource();
        var delivery = _agent.DeliverAsync(Message, over.Token);
        await over.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delivery);
    }

    [Fact]
    public async Task An_error_in_answer_to_a_decision_leaves_the_decision_as_it_was()
    {
        await using var server = await TestServer.StartAsync(new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["peer"] = _agent });
        await server.Client.StartAsync("hotel=peer");
        await server.Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await server.Client.TurnAsync("hotel");
        for (var i = 0; i < 20; i++)
        {
            _statuses.Enqueue(409); // whatever is said to it
        }

        var recovery = (string)(await server.Client.SignalAsync("hotel", 1)).Json["recovery"]!;
        await server.Client.VoteAsync("hotel", recovery);
        await server.Client.StatusAsync(status => (string?)status["recoveries"]![0]!["phase"] == "compensating");

        // The commit is on its way when the decision is seen.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var looks = 0; !_received.Any(message => message.Body.Contains("\"type\":\"commit\"", StringComparison.Ordinal)); looks++)
        {
            Assert.True(looks < 3_000, "No commit came.");
            await timer.WaitForNextTickAsync();
        }

        Assert.Equal(1, (int)(await server.Client.GetAsync("")).Json["recoveries"]![0]!["targets"]!["hotel"]!);
    }
}
