using OrleansRecovery.Cli.Import;
using OrleansRecovery.Cli.Replay;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.TestSupport;
using Xunit.Abstractions;

namespace OrleansRecovery.Cluster.Tests;

/// <summary>The recorded failures on three silos. OR_EACH_RECORD=1 replays all of them, which takes long.</summary>
public sealed class RecordedFailureTests(ClusterFixture fixture, ITestOutputHelper output) : RecordedFailures(output), IClassFixture<ClusterFixture>
{
    protected override int Each { get; } = ChaosTests.Setting("OR_EACH_RECORD", 60);

    protected override async Task<ReplayReport> ReplayAsync(
        RecordedRun run, int failed, RefusedVoteRule refused, CancellationToken cancellationToken)
    {
        try
        {
            return await ReplayEngine.RunAsync(fixture.Client, run, failed, refused, cancellationToken);
        }
        catch (OperationCanceledException late)
        {
            var status = await fixture.Client.StatusAsync(ReplayEngine.AddressOf(run, failed, refused), CancellationToken.None);
            throw new InvalidOperationException(
                $"{run.Name} does not settle: {status.Phase}, recoveries {string.Join(", ", status.Recoveries.Select(recovery => recovery.Phase))}, messages wait for {string.Join(", ", status.Agents.Where(agent => agent.PendingMessages > 0).Select(agent => $"{agent.Agent} {agent.PendingMessages} at {agent.Current}"))}", late);
        }
    }
}
