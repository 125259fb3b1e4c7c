using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Cli.Commands;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using Spectre.Console;

namespace OrleansRecovery.Cli.Output;

/// <summary>The one place that writes to the terminal, and the one that turns errors into exit codes.</summary>
internal static class Terminal
{
    internal const int Done = 0;
    internal const int No = 1;
    internal const int BadInput = 2;
    internal const int StorageTrouble = 3;
    internal const int WaitsForOperator = 4;

    private static readonly JsonSerializerOptions JsonOptions = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = null,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    internal static IAnsiConsole Out { get; } = AnsiConsole.Console;

    /// <summary>Makes an action of a command: its errors become a message and an exit code.</summary>
    internal static void Run(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) =>
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                return await action(parsed, cancellationToken);
            }
            catch (RecoveryException refused)
            {
                Error(parsed, refused.Error);
                return refused.Error.Code is RecoveryErrorCode.StorageFull or RecoveryErrorCode.StorageUnavailable
                    or RecoveryErrorCode.CorruptDatabase or RecoveryErrorCode.PermissionDenied or RecoveryErrorCode.NewerSchema
                    ? StorageTrouble
                    : BadInput;
            }
            catch (StaleAppendException stale)
            {
                Error(parsed, new RecoveryError(
                    RecoveryErrorCode.StaleWriter, stale.Message, "Nothing was changed by this command.", "Let one process drive the database, and try again."));
                return StorageTrouble;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                Error(parsed, new RecoveryError(
                    RecoveryErrorCode.PermissionDenied,
                    $"A file cannot be read or written: {failure.Message}",
                    "The command stopped; nothing was changed in the database.",
                    "Name a file that this user may read or write; an export does not overwrite one."));
                return StorageTrouble;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return BadInput;
            }
        });

    internal static void WriteJson<T>(T value) => Out.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(value, JsonOptions));

    internal static void WriteLine(string text) => Out.Profile.Out.Writer.WriteLine(text);

    internal static string Escape(string text) => Markup.Escape(text);

    /// <summary>Says of something that went wrong while a command runs on.</summary>
    internal static void Warn(ParseResult parsed, RecoveryError error) => Error(parsed, error);

    /// <summary>What stands below the cause of an error.</summary>
    internal static void Explain(IAnsiConsole console, RecoveryError error)
    {
        console.MarkupLine($"  [grey]impact[/]  {Escape(error.Impact)}");
        console.MarkupLine($"  [grey]next[/]    {Escape(error.NextStep)}");
        console.MarkupLine($"  [grey]more[/]    recovery explain {error.Id}");
    }

    private static void Error(ParseResult parsed, RecoveryError error)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            WriteJson(new { error = error.Id, error.Cause, error.Impact, error.NextStep });
            return;
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        console.MarkupLine($"[red]{error.Id}[/] {Escape(error.Cause)}");
        Explain(console, error);
    }
}
