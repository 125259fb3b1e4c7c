using OrleansRecovery.TestProcess;

return args switch
{
    ["recoveries", var folder, var seed, var rounds] => await RecoveryWorkload.RunAsync(
        folder,
        int.Parse(seed, System.Globalization.CultureInfo.InvariantCulture),
        int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture)),
    ["journal-writer", var lanes] => await JournalWriter.RunAsync(int.Parse(lanes, System.Globalization.CultureInfo.InvariantCulture)),
    _ => throw new ArgumentException($"Unknown command: {string.Join(' ', args)}", nameof(args)),
};
