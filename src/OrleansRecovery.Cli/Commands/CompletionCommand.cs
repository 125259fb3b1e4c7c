using System.CommandLine;
using OrleansRecovery.Cli.Output;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery completion</c>: completion for shells, through the parser's own suggestions.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _recovery() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(recovery "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -F _recovery recovery
        """;

    private const string Zsh = """
        _recovery() { compadd -- ${(f)"$(recovery "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)"}; }
        compdef _recovery recovery
        """;

    private const string Fish = """
        complete -f -c recovery -a '(recovery "[suggest]" (commandline -cp) 2>/dev/null)'
        """;

    internal static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Prints a completion script; for bash: source <(recovery completion bash)") { shell };
        command.Run((parsed, _) =>
        {
            Terminal.WriteLine(parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return Task.FromResult(Terminal.Done);
        });
        return command;
    }
}
