using System.Text.Json;
using OrleansRecovery.Protocol.Tasks;

namespace OrleansRecovery.Ai.Mcp;

/// <summary>What can be done about a call of a tool, once it has run.</summary>
public enum McpToolKind
{
    /// <summary>Something does it that the settings say nothing of: refused.</summary>
    Unsaid,

    /// <summary>It changes nothing.</summary>
    ReadOnly,

    /// <summary>The server knows it again by its key; nothing takes it back.</summary>
    Idempotent,

    /// <summary>Another tool takes it back.</summary>
    Compensatable,

    /// <summary>Nothing takes it back.</summary>
    Irrevocable,

    /// <summary>What the server's annotations say: read-only, idempotent, or else irrevocable. For servers that are trusted to say it.</summary>
    AsAnnotated,
}

/// <summary>
/// How a call is taken back. In the arguments a text that begins with <c>$argument</c>, <c>$result</c> or <c>$action</c> is replaced: by the argument or the result of
/// the call, or a part of it (<c>$result/room/id</c>), or by the name under which the server was told of the call.
/// </summary>
/// <param name="Tool">The tool that does it.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="ArgumentsInDoubt">Its arguments where nobody knows whether the call came through, and there is no result; null: the same.</param>
public sealed record McpCompensation(string Tool, JsonElement Arguments, JsonElement? ArgumentsInDoubt = null);

/// <summary>A tool that agents may call.</summary>
public sealed record McpToolSettings
{
    /// <summary>What can be done about it; must be said.</summary>
    public McpToolKind Kind { get; init; }

    /// <summary>Of a compensatable one.</summary>
    public McpCompensation? Compensation { get; init; }

    /// <summary>
    /// What arguments are held to; null: what the server declares. As the output of contracts (docs/guarded-execution.md): a schema with other keywords is refused.
    /// </summary>
    public JsonElement? InputSchema { get; init; }

    /// <summary>SHA-256 of what the server declares of the tool; null: whatever it is at the start. A tool that is different is not called.</summary>
    public string? SchemaDigest { get; init; }

    /// <summary>An error that the tool reports says that nothing was done. Otherwise it may have been, and the call is in doubt, unless it is read-only.</summary>
    public bool ErrorsAreWithoutEffect { get; init; }

    /// <summary>Longest call, in milliseconds. Keep it below the policy's <c>action_timeout_milliseconds</c>. Default 20,000.</summary>
    public int TimeoutMilliseconds { get; init; } = 20_000;

    /// <summary>What a call costs a task, in the unit of <see cref="Charge.Cost"/>.</summary>
    public long Cost { get; init; }
}

/// <summary>An MCP server, and what of it agents may use: a process, or an address that speaks streamable HTTP.</summary>
public sealed record McpServerSettings
{
    /// <summary>What agents call it; its tools are <c>name.tool</c>, so that no server can stand in for another's. Without a dot.</summary>
    public required string Name { get; init; }

    /// <summary>The program of a server that speaks over its standard input and output.</summary>
    public string? Command { get; init; }

    /// <summary>The program's arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The variables of this process that the program is given, besides PATH, HOME, TMPDIR and DOTNET_ROOT: no key goes to a server that is not to have it.</summary>
    public IReadOnlyList<string> PassedVariables { get; init; } = [];

    /// <summary>The address of a server that speaks over HTTP.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The variable that has the bearer token of such a server.</summary>
    public string? TokenVariable { get; init; }

    /// <summary>The tools that may be called; all others may not.</summary>
    public required IReadOnlyDictionary<string, McpToolSettings> Tools { get; init; }

    /// <summary>Longest time until it is connected, in milliseconds. Default 20,000.</summary>
    public int ConnectTimeoutMilliseconds { get; init; } = 20_000;
}

/// <summary>What a tool came to.</summary>
/// <param name="Text">What it says.</param>
/// <param name="Value">What it says as JSON, where it does.</param>
public sealed record McpResult(string Text, JsonElement? Value = null);
