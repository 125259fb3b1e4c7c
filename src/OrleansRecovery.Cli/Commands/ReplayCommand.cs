using System.CommandLine;
using OrleansRecovery.Cli.Output;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery replay</c>: recorded failures, through real agents.</summary>
internal static class ReplayCommand
{
    internal static Command Create()
    {
        var command = new Command("replay", "placeholder");
        command.Run((_, _) => Task.FromResult(Terminal.No));
        return command;
    }
}
