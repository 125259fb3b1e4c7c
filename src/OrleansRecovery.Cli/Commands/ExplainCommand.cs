using System.CommandLine;
using System.Reflection;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery explain</c>: the page of an error code.</summary>
internal static class ExplainCommand
{
    internal static Command Create()
    {
        var code = new Argument<string>("code") { Description = "The code, such as REC0016" };
        var command = new Command("explain", "Explains an error code: what happened, what it means, what to do") { code };
        command.Run(async (parsed, cancellationToken) =>
        {
            var name = parsed.GetRequiredValue(code).ToUpperInvariant();
            await using var page = Assembly.GetExecutingAssembly().GetManifestResourceStream($"errors/{name}.md")
                ?? throw RecoveryException.Of(
                    RecoveryErrorCode.InvalidName, $"'{name}' is no error code of this version.", "Nothing was changed.", "Write it as it was printed, such as REC0016.");
            using var reader = new StreamReader(page);
            Terminal.WriteLine(await reader.ReadToEndAsync(cancellationToken));
            return Terminal.Done;
        });
        return command;
    }
}
