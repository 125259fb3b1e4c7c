using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace OrleansRecovery.Ai.Tests;

/// <summary>A server that speaks OpenAI's chat completions, and misbehaves as the model's name says.</summary>
public sealed class ChatServer : IAsyncDisposable
{
    private readonly WebApplication _web;

    private ChatServer(WebApplication web) => _web = web;

    public ConcurrentQueue<(string Model, string Authorization, JsonElement Body)> Asked { get; } = new();

    /// <summary>Called when the slow model was asked.</summary>
    public Action OnSlow { get; set; } = () => { };

    public Uri Endpoint => new($"{_web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()}/v1");

    public static async Task<ChatServer> StartAsync(Func<JsonElement, string> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ChatServer(builder.Build());
        server._web.MapPost("/v1/chat/completions", async (HttpContext context) =>
        {
            var body = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body, cancellationToken: context.RequestAborted);
            var model = body.GetProperty("model").GetString()!;
            server.Asked.Enqueue((model, context.Request.Headers.Authorization.ToString(), body));
            if (int.TryParse(model, out var status))
            {
                return Results.Json(new { error = new { message = $"{context.Request.Headers.Authorization} sent {body}", type = "test" } }, statusCode: status);
            }

            if (model == "slow")
            {
                server.OnSlow();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }

            return model switch
            {
                "text" => Results.Text("<html>busy</html>", "text/html"),
                "empty" => Results.Json(new { id = "1", @object = "chat.completion", created = 1, model, choices = Array.Empty<object>() }),
                _ => Results.Json(new
                {
                    id = "1",
                    @object = "chat.completion",
                    created = 1,
                    model,
                    choices = new[] { new { index = 0, finish_reason = "stop", message = new { role = "assistant", content = answer(body) } } },
                    usage = new { prompt_tokens = 21, completion_tokens = 4, total_tokens = 25 },
                }),
            };
        });
        await server._web.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync() => await _web.DisposeAsync();
}
