using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Cli.Import;
using OrleansRecovery.Cli.Replay;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using Xunit.Abstractions;

namespace OrleansRecovery.TestSupport;

/// <summary>Every recorded failure of the shared data, through real agents on a host, against what the collection recorded.</summary>
public abstract class RecordedFailures(ITestOutputHelper output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Of the records, which are many, each so-manieth is replayed.</summary>
    protected virtual int Each => 1;

    /// <summary>Replays a run on the host.</summary>
    protected abstract Task<ReplayReport> ReplayAsync(RecordedRun run, int failed, RefusedVoteRule refused, CancellationToken cancellationToken);

    [SharedDataFact]
    public async Task Every_who_and_when_run_falls_as_recorded()
    {
        var matched = 0;
        var saved = 0;
        foreach (var record in Some("who-when.jsonl.gz"))
        {
            var run = Importer.Collected(record);
            var report = await ReplayPatientlyAsync(run, run.Failed!.Value, RefusedVoteRule.ProceedWithResidue);
            Assert.Equal(CoordinatorPhase.Completed, report.Phase);
            CheckTruth(record, report);
            CheckOrder(record, report);
            matched++;
            saved += report.SavedSteps;
        }

        output.WriteLine($"who-when: {matched} runs replayed and matched; {saved} steps saved against undoing everything after");
        Assert.Equal(Share(108), matched);
    }

    [SharedDataFact]
    public async Task Every_tau_retail_run_falls_as_recorded_and_final_writes_become_residue()
    {
        var (matched, finals) = (0, 0);
        foreach (var record in Some("agentrx-tau-retail.jsonl.gz"))
        {
            var run = Importer.Collected(record);
            var failed = run.Failed ?? FirstWrite(record);
            var report = await ReplayPatientlyAsync(run, failed, RefusedVoteRule.ProceedWithResidue);
            if (record.TryGetProperty("truth", out _))
            {
                CheckTruth(record, report);
            }

            CheckOrder(record, report);
            var expected = run.Steps.Where(step => step.Class == ActionClass.Irrevocable && report.Undone.Contains(step.Index)).Select(step => step.Index).ToList();
            Assert.Equal(expected, report.Residue);
            Assert.Equal(expected.Count > 0 ? CoordinatorPhase.CompletedWithResidue : CoordinatorPhase.Completed, report.Phase);
            Assert.Empty(report.CompensatedInOrder.Intersect(expected));
            matched++;
            finals += expected.Count;
        }

        output.WriteLine($"tau-retail: {matched} runs replayed and matched; {finals} one-shot or irreversible writes named as residue, none compensated");
        Assert.Equal(Share(65), matched);
        Assert.True(finals > 10 / Each, $"only {finals}");
    }

    [SharedDataFact]
    public async Task A_tau_retail_run_with_final_writes_waits_for_an_operator_when_policy_says_so()
    {
        var (waited, clean) = (0, 0);
        foreach (var record in Some("agentrx-tau-retail.jsonl.gz").Where(record => record.TryGetProperty("truth", out _)))
        {
            var run = Importer.Collected(record);
            var report = await ReplayPatientlyAsync(run, run.Failed!.Value, RefusedVoteRule.Escalate);
            var final = record.GetProperty("compensate").EnumerateArray().Any(write => write[2].GetString() is "one_shot" or "irreversible");
            Assert.Equal(final ? CoordinatorPhase.Escalated : CoordinatorPhase.Completed, report.Phase);
            Assert.True(!final || report.CompensatedInOrder.Count == 0, $"{run.Name} compensated before the operator decided");
            waited += final ? 1 : 0;
            clean += final ? 0 : 1;
        }

        output.WriteLine($"tau-retail under escalate: {waited} wait for an operator, {clean} complete");
        Assert.True(waited > 0 || Each > 1);
    }

    [SharedDataFact]
    public async Task Every_workflow_failure_falls_as_recorded()
    {
        var dags = SharedData.Read("wfinstances-dags.jsonl.gz").ToDictionary(dag => dag.GetProperty("id").GetString()!);
        var (matched, saved, undone) = (0, 0L, 0L);
        await Parallel.ForEachAsync(Some("wfinstances-failures.jsonl.gz"), async (failure, _) =>
        {
            var dag = dags[failure.GetProperty("dag").GetString()!];
            var report = await ReplayPatientlyAsync(Importer.Collected(dag), failure.GetProperty("fail").GetInt32(), RefusedVoteRule.Abort);
            Assert.Equal(CoordinatorPhase.Completed, report.Phase);
            Assert.Equal(SharedData.Numbers(failure.GetProperty("rollback")), report.Undone);
            Assert.Equal(failure.GetProperty("rollback_sha256").GetString(), Sha256(report.Undone));
            Assert.Equal(failure.GetProperty("order_constraints_n").GetInt32(), CheckOrder(dag, report));
            Assert.Equal(failure.GetProperty("min_comp_rounds").GetInt32(), report.Rounds);
            Interlocked.Increment(ref matched);
            Interlocked.Add(ref saved, report.SavedSteps);
            Interlocked.Add(ref undone, report.Undone.Count);
        });

        output.WriteLine($"wfinstances: {matched} failures replayed and matched; {undone} tasks undone, {saved} saved against undoing everything after");
        Assert.Equal(Share(360), matched);
    }

    private IEnumerable<JsonElement> Some(string file) => SharedData.Read(file).Where((_, index) => index % Each == 0);

    private int Share(int count) => (count + Each - 1) / Each;

    private async Task<ReplayReport> ReplayPatientlyAsync(RecordedRun run, int failed, RefusedVoteRule refused)
    {
        using var patience = new CancellationTokenSource(Patience);
        return await ReplayAsync(run, failed, refused, patience.Token);
    }

    private static void CheckTruth(JsonElement record, ReplayReport report)
    {
        var truth = record.GetProperty("truth").GetProperty("b_addressed");
        Assert.Equal(SharedData.Numbers(truth.GetProperty("affected_steps")), report.Undone);
        foreach (var line in truth.GetProperty("recovery_line").EnumerateObject())
        {
            int? last = line.Value.ValueKind == JsonValueKind.Null ? null : line.Value.GetInt32();
            Assert.True(report.RecoveryLine.TryGetValue(line.Name, out var stands) && stands == last, $"{report.Run}: {line.Name} stands at {stands}, not at {last}");
        }

        foreach (var agent in truth.GetProperty("untouched_agents").EnumerateArray())
        {
            Assert.DoesNotContain(agent.GetString()!, report.RecoveryLine.Keys);
        }
    }

    // For every dependency inside the set the consumer is undone before its producer. Returns how many there are.
    private static int CheckOrder(JsonElement record, ReplayReport report)
    {
        var places = report.CompensatedInOrder.Select((step, place) => (step, place)).ToDictionary(item => item.step, item => item.place);
        Assert.Equal(report.Undone.Except(report.Residue).Order(), places.Keys.Order());
        var undone = report.Undone.ToHashSet();
        var constraints = 0;
        foreach (var edge in record.GetProperty("edges").EnumerateArray())
        {
            var (from, to) = (edge[0].GetInt32(), edge[1].GetInt32());
            if (undone.Contains(from) && undone.Contains(to))
            {
                constraints++;
                Assert.True(
                    !places.TryGetValue(from, out var producer) || !places.TryGetValue(to, out var consumer) || consumer < producer,
                    $"{report.Run}: {from} was undone before {to}, which depends on it");
            }
        }

        return constraints;
    }

    private static int FirstWrite(JsonElement record)
    {
        var writes = record.GetProperty("writes_done");
        return writes.GetArrayLength() > 0 ? writes[0][0].GetInt32() : 0;
    }

    private static string Sha256(IReadOnlyList<int> numbers) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(',', numbers))));
}
