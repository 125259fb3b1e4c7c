using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using OrleansRecovery.Ai.Models;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Mcp;

/// <summary>
/// The tools of one MCP server that agents may call, as actions: each passes the gate, is journalled, and is taken back by the tool that the settings name. The server is told
/// the idempotency key of every call, in <c>_meta</c>.
/// </summary>
public sealed class McpTools : IAsyncDisposable
{
    /// <summary>Where in <c>_meta</c> the key stands: the same in every try of a call, another one for its compensation.</summary>
    public const string KeyMember = "orleansrecovery/idempotency-key";

    /// <summary>Where in <c>_meta</c> the action stands: the same for a call and its compensation, unique for this server's clients of one execution.</summary>
    public const string ActionMember = "orleansrecovery/action";

    private readonly McpServerSettings _settings;
    private readonly McpConnection _connection;
    private readonly Dictionary<string, Declared> _declared = new(StringComparer.Ordinal);

    private sealed record Declared(McpToolSettings Settings, ActionClass Class, JsonElement Schema, string Digest, string Description);

    private McpTools(McpServerSettings settings, TimeProvider time) => (_settings, _connection) = (settings, new McpConnection(settings, time));

    /// <summary>Connects, and holds the settings against what the server declares.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>, <c>InvalidName</c>; <c>ToolNotUsable</c>.</exception>
    public static async Task<McpTools> ConnectAsync(McpServerSettings settings, TimeProvider? time = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (!TermText.TryValidate("server's name", settings.Name, out var error))
        {
            throw new RecoveryException(error);
        }

        if (settings.Name.Contains('.', StringComparison.Ordinal) || settings.Command is null == settings.Endpoint is null)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The MCP server {settings.Name} needs a name without a dot, and either a command or an endpoint.", "It was not started.", "Correct its settings (docs/models.md).");
        }

        var tools = new McpTools(settings, time ?? TimeProvider.System);
        try
        {
            var there = await tools._connection.ToolsAsync(cancellationToken);
            foreach (var (name, allowed) in settings.Tools)
            {
                tools._declared.Add(name, tools.Declare(name, allowed, there));
            }

            return tools;
        }
        catch
        {
            await tools.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the server declares of a tool, to be kept as <see cref="McpToolSettings.SchemaDigest"/>.</summary>
    /// <exception cref="RecoveryException"><c>ToolNotUsable</c>: it is not allowed.</exception>
    public string DigestOf(string tool) => Allowed(tool).Digest;

    /// <summary>Declares a tool as an action, <c>server.tool</c>.</summary>
    /// <exception cref="RecoveryException"><c>ToolNotUsable</c>: the settings do not allow it.</exception>
    public AgentAction<JsonElement, McpResult> Action<TState>(AgentDefinition<TState> agent, string tool)
        where TState : class, new()
    {
        ArgumentNullException.ThrowIfNull(agent);
        var declared = Allowed(tool);
        var name = $"{_settings.Name}.{tool}";
        Task<McpResult> ExecuteAsync(JsonElement arguments, ActionContext action) => CallAsync(name, tool, declared, arguments, action);
        var made = declared.Class switch
        {
            ActionClass.Pure => agent.Pure<JsonElement, McpResult>(name, ExecuteAsync),
            ActionClass.Idempotent => agent.Idempotent<JsonElement, McpResult>(name, ExecuteAsync),
            ActionClass.Compensatable => agent.Compensatable<JsonElement, McpResult>(name, ExecuteAsync, (arguments, result, undo) => CompensateAsync(declared, arguments, result, undo)),
            ActionClass.Irrevocable => agent.Irrevocable<JsonElement, McpResult>(name, ExecuteAsync),
        };
        return made.Costing(_ => new Charge(1, 0, declared.Settings.Cost)).AsCapability(name, () => declared.Digest);
    }

    /// <summary>The same as a tool that a model may ask for, with what the server says of it.</summary>
    public AgentTool<TState> Tool<TState>(AgentAction<JsonElement, McpResult> action)
        where TState : class, new()
    {
        ArgumentNullException.ThrowIfNull(action);
        var declared = Allowed(action.Name[(_settings.Name.Length + 1)..]);
        return AgentTool<TState>.Of(action, declared.Description, declared.Schema);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private Declared Allowed(string tool) => _declared.GetValueOrDefault(tool) ?? throw NotUsable(tool, "the settings do not allow it");

    private Declared Declare(string name, McpToolSettings settings, IReadOnlyDictionary<string, Tool> there)
    {
        var tool = there.GetValueOrDefault(name) ?? throw NotUsable(name, "the server has no such tool");
        var schema = settings.InputSchema ?? McpToolSchema.WithoutRemarks(tool.InputSchema);
        var digest = McpToolSchema.DigestOf(tool);
        var fault = OutputSchema.FaultOf(schema) is { } unknown ? $"its schema cannot be checked ({unknown}): give one in the settings"
            : settings.SchemaDigest is { } allowed && allowed != digest ? $"it is not the one that was allowed: its digest is {digest}"
            : settings.Kind == McpToolKind.Unsaid ? "the settings do not say what can be done about it"
            : (settings.Kind == McpToolKind.Compensatable) != (settings.Compensation is not null) ? "a compensation is for compensatable tools, and they need one"
            : settings.Compensation is { } undo && !there.ContainsKey(undo.Tool) ? $"the server has no tool {undo.Tool}, which is to take it back"
            : settings.Compensation is { Arguments.ValueKind: not JsonValueKind.Object } or { ArgumentsInDoubt.ValueKind: not JsonValueKind.Object } ? "the arguments of its compensation are no object"
            : null;
        return fault is null ? new Declared(settings, ClassOf(settings.Kind, tool.Annotations), schema, digest, tool.Description ?? name) : throw NotUsable(name, fault);
    }

    private static ActionClass ClassOf(McpToolKind kind, ToolAnnotations? annotations) => kind switch
    {
        McpToolKind.ReadOnly => ActionClass.Pure,
        McpToolKind.Idempotent => ActionClass.Idempotent,
        McpToolKind.Compensatable => ActionClass.Compensatable,
        McpToolKind.AsAnnotated => annotations?.ReadOnlyHint is true ? ActionClass.Pure : annotations?.IdempotentHint is true ? ActionClass.Idempotent : ActionClass.Irrevocable,
        McpToolKind.Irrevocable or McpToolKind.Unsaid => ActionClass.Irrevocable,
    };

    // Whatever happened before the call is without effect; whatever happens in it leaves it in doubt, unless it only reads.
    private async Task<McpResult> CallAsync(string name, string tool, Declared declared, JsonElement arguments, ActionContext action)
    {
        var findings = OutputSchema.FindingsOf(declared.Schema, arguments);
        if (arguments.ValueKind != JsonValueKind.Object || findings.Count > 0)
        {
            throw new ActionFailedException(name, $"The arguments are not what the tool takes: {string.Join("; ", findings.DefaultIfEmpty("they are no object"))}.");
        }

        await RefuseUnlessTheSameAsync(name, tool, declared, action.CancellationToken);
        CallToolResult result;
        try
        {
            result = await _connection.CallAsync(tool, arguments, action.IdempotencyKey, $"{action.Action}", declared.Settings.TimeoutMilliseconds, action.CancellationToken);
        }
        catch (McpProtocolException refused) when (refused.ErrorCode is McpErrorCode.InvalidParams or McpErrorCode.MethodNotFound or McpErrorCode.InvalidRequest)
        {
            throw new ActionFailedException(name, $"The server refuses the call: {_connection.Redact(refused.Message)}");
        }
#pragma warning disable CA1031 // Whatever it is, a tool that only reads has done nothing.
        catch (Exception broken) when (declared.Class == ActionClass.Pure && !action.CancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            throw new ActionFailedException(name, _connection.Redact(broken.Message));
        }

        var read = ResultOf(result);
        return result.IsError is not true ? read
            : declared.Class == ActionClass.Pure || declared.Settings.ErrorsAreWithoutEffect ? throw new ActionFailedException(name, read.Text)
            : throw new McpException($"The tool {name} reports an error, and may have had an effect: {read.Text}");
    }

    // A server that was started anew may be another one.
    private async Task RefuseUnlessTheSameAsync(string name, string tool, Declared declared, CancellationToken cancellationToken)
    {
        string? fault;
        try
        {
            fault = (await _connection.ToolsAsync(cancellationToken)).GetValueOrDefault(tool) is { } now && McpToolSchema.DigestOf(now) == declared.Digest ? null : "it is not what it was when it was allowed";
        }
#pragma warning disable CA1031 // A server that cannot be reached was not called.
        catch (Exception unreachable) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            throw new ActionFailedException(name, $"The server {_settings.Name} cannot be reached: {_connection.FirstLine(unreachable)}");
        }

        if (fault is not null)
        {
            throw new ActionFailedException(name, NotUsable(tool, fault).Message);
        }
    }

    private async Task CompensateAsync(Declared declared, JsonElement arguments, McpResult? result, CompensationContext undo)
    {
        var compensation = declared.Settings.Compensation!;
        var known = new Dictionary<string, JsonElement?>(StringComparer.Ordinal)
        {
            ["$argument"] = arguments,
            ["$result"] = result is null ? null : result.Value ?? JsonSerializer.SerializeToElement(result.Text),
            ["$action"] = JsonSerializer.SerializeToElement($"{undo.Action}"),
        };
        var template = undo.InDoubt ? compensation.ArgumentsInDoubt ?? compensation.Arguments : compensation.Arguments;
        var filled = JsonSerializer.SerializeToElement(McpTemplate.Fill(template, known));
        var done = await _connection.CallAsync(compensation.Tool, filled, undo.IdempotencyKey, $"{undo.Action}", declared.Settings.TimeoutMilliseconds, undo.CancellationToken);
        if (done.IsError is true)
        {
            throw new McpException($"The tool {_settings.Name}.{compensation.Tool}, which is to take {undo.Action} back, reports an error: {ResultOf(done).Text}");
        }
    }

    private McpResult ResultOf(CallToolResult result) => new(
        _connection.Redact(string.Join('\n', result.Content.OfType<TextContentBlock>().Select(block => block.Text))),
        result.StructuredContent is { } value ? JsonElement.Parse(_connection.Redact(value.GetRawText())) : null);

    private RecoveryException NotUsable(string tool, string fault) => RecoveryException.Of(
        RecoveryErrorCode.ToolNotUsable, $"The tool {_settings.Name}.{tool} cannot be used: {fault}.", "It was not called.", "Correct the settings, or allow the tool anew after reading what it is now (docs/models.md).");
}
