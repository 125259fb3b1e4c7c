using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Objectives;

/// <summary>What the ledger says of recoveries, against what was promised of them.</summary>
public sealed class ObjectiveTests
{
    private const long Start = 1_800_000_000_000;
    private const long Minute = 60_000;
    private const long Day = 24 * 60 * Minute;

    private static readonly ServiceObjective InTime = new("in-time", ObjectiveMeasure.RecoveredInTime, 0.9, 5 * Minute);
    private static readonly ServiceObjective Whole = new("whole", ObjectiveMeasure.RecoveredWhole, 0.9);
    private static readonly ServiceObjective Answered = new("answered", ObjectiveMeasure.AnsweredInTime, 0.5, 10 * Minute);

    private readonly List<RecoveryRecord> _ledger = [];

    [Fact]
    public void A_recovery_within_its_limit_is_good_and_counts_from_the_detection_that_its_first_signal_tells_of()
    {
        Signal("s1", Start, detectedAt: Start - (4 * Minute));
        Open("r1", Start + 1, "s1");
        End("r1", Start + (2 * Minute));

        var late = Report(InTime, Start + (3 * Minute));

        Assert.Equal((0, 1), (late.Good, late.Bad));
        Assert.Equal(Start + Minute, late.Latest[0].At); // when its five minutes were over
        Assert.Equal((1, 0), Counts(Report(InTime with { LimitMilliseconds = 6 * Minute }, Start + (3 * Minute))));
    }

    [Fact]
    public void A_recovery_that_is_open_counts_as_bad_from_when_its_time_is_over_and_as_nothing_before()
    {
        Signal("s1", Start);
        Open("r1", Start, "s1");

        Assert.Equal((0, 0), Counts(Report(InTime, Start + (5 * Minute))));
        Assert.Null(Report(InTime, Start + (5 * Minute)).Share);
        Assert.Equal((0, 1), Counts(Report(InTime, Start + (5 * Minute) + 1)));
    }

    [Fact]
    public void Residue_and_giving_up_are_bad_and_what_was_a_false_signal_is_not_counted()
    {
        foreach (var (name, result, reason) in new[] { ("r1", "completed", null), ("r2", "completed_with_residue", null), ("r3", "aborted", "unreachable"), ("r4", "aborted", "operator"), ("r5", "aborted", (string?)"nothing_to_undo") })
        {
            Open(name, Start);
            End(name, Start + Minute, result, reason);
        }

        var report = Report(Whole, Start + (2 * Minute));

        Assert.Equal((1, 2), Counts(report));
        Assert.Equal(["r2", "r3"], report.Latest.Select(bad => bad.Recovery.Text).Order(StringComparer.Ordinal));
        Assert.True(report.IsMissed);
        Assert.Equal(1 - (2 / (0.1 * 3)), report.BudgetLeft, 6);
    }

    [Fact]
    public void An_operators_answer_is_measured_for_each_time_that_a_recovery_waited_for_one()
    {
        Open("r1", Start);
        Add("r1", RecoveryRecordKind.Escalated, Start + Minute);
        Add("r1", RecoveryRecordKind.OperatorDecided, Start + (3 * Minute));
        Add("r1", RecoveryRecordKind.Escalated, Start + (4 * Minute));
        Add("r1", RecoveryRecordKind.OperatorDecided, Start + (20 * Minute));
        Add("r1", RecoveryRecordKind.Escalated, Start + (21 * Minute));
        Add("r1", RecoveryRecordKind.Decided, Start + (22 * Minute)); // who was silent voted: nobody had to answer

        Assert.Equal((2, 1), Counts(Report(Answered, Start + (30 * Minute))));
        Assert.Equal((1, 0), Counts(Report(Answered, Start + (4 * Minute))));
    }

    [Fact]
    public void What_is_older_than_the_window_is_not_counted()
    {
        Open("r1", Start);
        End("r1", Start + Minute, "completed_with_residue");

        Assert.Equal((0, 1), Counts(Report(Whole, Start + (30 * Day))));
        Assert.Equal((0, 0), Counts(Report(Whole, Start + (30 * Day) + Minute)));
        Assert.Equal((0, 1), Counts(Report(Whole with { WindowDays = 31 }, Start + (30 * Day) + Minute)));
    }

    [Fact]
    public void A_budget_that_burns_over_both_windows_is_worth_a_page_and_no_more_when_the_trouble_is_over()
    {
        for (var i = 0; i < 20; i++)
        {
            Open($"r{i}", Start + (i * Minute));
            End($"r{i}", Start + (i * Minute) + 1, "completed_with_residue");
        }

        Assert.Equal(ObjectiveUrgency.Ticket, Report(Whole with { Share = 0.8 }, Start + (20 * Minute)).Urgency); // five times too fast, and a page is from six on
        var strict = Whole with { Share = 0.99 };
        Assert.Equal(ObjectiveUrgency.Page, Report(strict, Start + (20 * Minute)).Urgency);
        Assert.Equal(20, Report(strict, Start + (20 * Minute)).BadInARow);

        for (var i = 0; i < 60; i++)
        {
            Open($"good{i}", Start + (20 * Minute) + (i * 1_000));
            End($"good{i}", Start + (20 * Minute) + (i * 1_000), "completed");
        }

        var over = Report(strict, Start + (26 * Minute));
        Assert.True(over.BurnRates[0].Long >= over.BurnRates[0].Threshold);
        Assert.Equal(0, over.BurnRates[0].Short);
        Assert.False(over.BurnRates[0].IsBurning);
        Assert.Equal(0, over.BadInARow);
    }

    [Fact]
    public void Thresholds_are_those_of_the_workbook_for_thirty_days_and_never_below_what_the_budget_allows()
    {
        Assert.Equal([14.4, 6, 1], Report(Whole, Start).BurnRates.Select(rate => rate.Threshold));
        Assert.All(Report(Whole with { WindowDays = 1 }, Start).BurnRates, rate => Assert.True(rate.Threshold >= 1));
    }

    [Fact]
    public void Sums_are_those_of_a_plain_count_whatever_the_recoveries_did()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var told = new ObjectiveTests();
            var (good, bad) = (0, 0);
            var now = Start + (40 * Day);
            for (var i = 0; i < 30; i++)
            {
                var (detected, took) = (Start + (random.NextInt64(40) * Day), random.NextInt64(10 * Minute));
                var ends = random.Next(5) != 0;
                told.Signal($"s{i}", detected, detected);
                told.Open($"r{i}", detected, $"s{i}");
                if (ends)
                {
                    told.End($"r{i}", detected + took);
                }

                var (isGood, at) = ends && took <= 5 * Minute ? (true, detected + took) : (false, detected + (5 * Minute));
                if (at <= now && at > now - (30 * Day))
                {
                    (good, bad) = isGood ? (good + 1, bad) : (good, bad + 1);
                }
            }

            var report = told.Report(InTime, now);
            Assert.Equal((good, bad), Counts(report));
            Assert.Equal(good + bad == 0 ? 1 : 1 - (bad / (0.1 * (good + bad))), report.BudgetLeft, 6);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    [Fact]
    public void What_ended_before_the_longest_window_is_forgotten_and_what_is_open_never()
    {
        Open("old", Start);
        End("old", Start + Minute);
        Open("open", Start);
        Signal("s1", Start + (92 * Day));

        Assert.Equal(["open"], Times().Recoveries.Keys.Select(recovery => recovery.Text));
    }

    [Theory]
    [InlineData("""{"objectives":[{"name":"a","measure":"recovered_in_time","share":0.9}]}""", "limit_milliseconds is missing")]
    [InlineData("""{"objectives":[{"name":"a","measure":"recovered_whole","share":0.9,"limit_milliseconds":1}]}""", "has no limit_milliseconds")]
    [InlineData("""{"objectives":[{"name":"a","measure":"recovered_whole","share":1}]}""", "share")]
    [InlineData("""{"objectives":[{"name":"a","measure":"recovered_whole","share":0.9,"window_days":91}]}""", "WindowDays is 91")]
    [InlineData("""{"objectives":[{"name":"a b/","measure":"recovered_whole","share":0.9}]}""", "no name")]
    [InlineData("""{"objectives":[{"name":"a","measure":"speed","share":0.9}]}""", "recovered_in_time")]
    [InlineData("""{"objectives":[{"name":"a","measure":"recovered_whole","share":0.9,"sharp":1}]}""", "sharp")]
    [InlineData("""{"objectives":[{"name":"a","measure":"recovered_whole","share":0.9},{"name":"a","measure":"recovered_whole","share":0.8}]}""", "'a' is there twice")]
    [InlineData("""{"objectives":[null]}""", "null")]
    [InlineData("null", "null")]
    [InlineData("""{"objectives":[{"name":"a","measure":"recovered_whole"}]}""", "share")]
    [InlineData("{}", "objectives")]
    [InlineData("{", "cannot be read")]
    public void Objectives_that_are_none_are_refused_with_what_is_wrong(string document, string what)
    {
        var refused = Assert.Throws<RecoveryException>(() => ObjectivesJson.Read(Encoding.UTF8.GetBytes(document)));

        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
        Assert.Contains(what, refused.Error.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void The_defaults_are_good_and_are_read_as_they_are_written()
    {
        Assert.Equal(ServiceObjective.Defaults, ServiceObjective.Defaults.Select(objective => objective.Validated()));
        Assert.Equal(ServiceObjective.Defaults, ObjectivesJson.Read(ObjectivesJson.Write(ServiceObjective.Defaults)));
        Assert.Equal([Whole], ObjectivesJson.Read("""{"objectives":[{"name":"whole","measure":"recovered_whole","share":0.9}]}"""u8));
    }

    private static (int Good, int Bad) Counts(ObjectiveReport report) => (report.Good, report.Bad);

    private ObjectiveReport Report(ServiceObjective objective, long now) => ObjectiveReport.Of(objective, Times(), now);

    private RecoveryTimes Times() => _ledger.Aggregate(RecoveryTimes.Empty, (times, record) => times.With(record));

    private void Signal(string signal, long at, long? detectedAt = null) =>
        Add(null, RecoveryRecordKind.SignalAccepted, at, new JsonObject { ["signal"] = signal, ["detected_at"] = detectedAt ?? at });

    private void Open(string recovery, long at, params IEnumerable<string> signals) =>
        Add(recovery, RecoveryRecordKind.RecoveryOpened, at, new JsonObject { ["signals"] = new JsonArray([.. signals.Select(signal => JsonValue.Create(signal))]) });

    private void End(string recovery, long at, string result = "completed", string? reason = null) =>
        Add(recovery, RecoveryRecordKind.Outcome, at, reason is null ? new JsonObject { ["result"] = result } : new JsonObject { ["result"] = result, ["reason"] = reason });

    private void Add(string? recovery, RecoveryRecordKind kind, long at, JsonObject? body = null)
    {
        using var document = JsonDocument.Parse((body ?? []).ToJsonString());
        _ledger.Add(new RecoveryRecord(
            1, LedgerPosition.Of(_ledger.Count), TenantId.Parse("acme"), kind, at, RecoveryRecord.NoPrevious, document.RootElement.Clone(), ExecutionId.Parse("trip"), recovery is null ? null : RecoveryId.Parse(recovery)));
    }
}
