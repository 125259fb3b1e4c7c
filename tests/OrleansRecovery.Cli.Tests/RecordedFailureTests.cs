using OrleansRecovery.Cli.Import;
using OrleansRecovery.Cli.Replay;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.TestSupport;
using Xunit.Abstractions;

namespace OrleansRecovery.Cli.Tests;

/// <summary>The recorded failures on the local host.</summary>
public sealed class RecordedFailureTests(ITestOutputHelper output) : RecordedFailures(output)
{
    protected override async Task<ReplayReport> ReplayAsync(RecordedRun run, int failed, RefusedVoteRule refused, CancellationToken cancellationToken)
    {
        using var key = LedgerKey.Ephemeral();
        await using var journal = new InMemoryJournal();
        return await ReplayEngine.RunAsync(journal, key, run, failed, refused, cancellationToken);
    }
}
