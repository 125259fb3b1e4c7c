using System.Text.Json;
using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Ai.Mcp;

/// <summary>The way to one server: connected when it is needed, and anew after it broke. What the tools are is asked each time.</summary>
internal sealed class McpConnection(McpServerSettings settings, TimeProvider time) : IAsyncDisposable
{
    private static readonly string[] Passed = ["PATH", "HOME", "TMPDIR", "DOTNET_ROOT"];

    private readonly SemaphoreSlim _one = new(1);
    private (McpClient Client, IReadOnlyDictionary<string, Tool> Tools)? _live;
    private string? _token; // the last one that was sent

    /// <summary>The tools of the server, by name; connects if it must.</summary>
    internal async Task<IReadOnlyDictionary<string, Tool>> ToolsAsync(CancellationToken cancellationToken) => (await LiveAsync(cancellationToken)).Tools;

    /// <summary>Calls a tool. Whatever it throws but <see cref="McpProtocolException"/>, the call may have come through, and the next one connects anew.</summary>
    internal async Task<CallToolResult> CallAsync(string tool, JsonElement arguments, string key, string action, int timeoutMilliseconds, CancellationToken cancellationToken)
    {
        var (client, _) = await LiveAsync(cancellationToken);
        using var late = new CancellationTokenSource(TimeSpan.FromMilliseconds(timeoutMilliseconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await client.CallToolAsync(
                new CallToolRequestParams
                {
                    Name = tool,
                    Arguments = arguments.EnumerateObject().ToDictionary(argument => argument.Name, argument => argument.Value, StringComparer.Ordinal),
                    Meta = new JsonObject { [McpTools.KeyMember] = key, [McpTools.ActionMember] = action },
                },
                either.Token).AsTask().WaitAsync(either.Token);
        }
        catch (Exception failure) when (failure is not McpProtocolException)
        {
            await LeaveAsync(client);
            cancellationToken.ThrowIfCancellationRequested();
            throw late.IsCancellationRequested
                ? new TimeoutException($"The tool {settings.Name}.{tool} did not answer within {timeoutMilliseconds} ms.")
                : new McpException($"The tool {settings.Name}.{tool} gave no answer: {FirstLine(failure)}");
        }
    }

    /// <summary>What can be told of a failure: what follows may be the server's own output, and anything may stand in that.</summary>
    internal string FirstLine(Exception failure) => Redact(failure.Message.Split('\n', 2)[0].Trim());

    /// <summary>The token is blacked out wherever the server repeats it.</summary>
    internal string Redact(string text) => _token is { } token ? text.Replace(token, "[secret]", StringComparison.Ordinal) : text;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_live is { } live)
        {
            _live = null;
            await live.Client.DisposeAsync();
        }

        _one.Dispose();
    }

    private async Task<(McpClient Client, IReadOnlyDictionary<string, Tool> Tools)> LiveAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            return _live ??= await ConnectAsync(cancellationToken);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<(McpClient, IReadOnlyDictionary<string, Tool>)> ConnectAsync(CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromMilliseconds(settings.ConnectTimeoutMilliseconds), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        var client = await McpClient.CreateAsync(Transport(), null, null, either.Token);
        try
        {
            var tools = await client.ListToolsAsync(cancellationToken: either.Token);
            return (client, tools.ToDictionary(tool => tool.Name, tool => tool.ProtocolTool, StringComparer.Ordinal));
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    private IClientTransport Transport() => settings.Endpoint is { } endpoint
        ? new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = endpoint,
            Name = settings.Name,
            TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = Token() is { } token ? new Dictionary<string, string>(StringComparer.Ordinal) { ["Authorization"] = $"Bearer {token}" } : null,
        })
        : new StdioClientTransport(new StdioClientTransportOptions
        {
            Name = settings.Name,
            Command = settings.Command!,
            Arguments = [.. settings.Arguments],
            InheritEnvironmentVariables = false,
            EnvironmentVariables = Passed.Concat(settings.PassedVariables).Distinct(StringComparer.Ordinal)
                .ToDictionary(name => name, Environment.GetEnvironmentVariable, StringComparer.Ordinal),
            ShutdownTimeout = TimeSpan.FromSeconds(2),
        });

    private string? Token()
    {
        if (settings.TokenVariable is not { } variable)
        {
            return null;
        }

        _token = Environment.GetEnvironmentVariable(variable) is { Length: > 0 } token
            ? token
            : throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration,
                $"The variable {variable}, which is to have the token of the MCP server {settings.Name}, is not set.",
                "The server was not asked.",
                "Set it, and repeat (docs/models.md).");
        return token;
    }

    private async Task LeaveAsync(McpClient client)
    {
        await _one.WaitAsync(CancellationToken.None);
        try
        {
            if (!ReferenceEquals(_live?.Client, client))
            {
                return;
            }

            _live = null;
        }
        finally
        {
            _one.Release();
        }

        await client.DisposeAsync();
    }
}
