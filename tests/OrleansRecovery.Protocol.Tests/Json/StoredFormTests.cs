using System.Text;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Json;

/// <summary>What is stored and cannot be read is a damaged database, and never a default.</summary>
public sealed class StoredFormTests
{
    public static TheoryData<string> Damaged =>
        ["", "{", "null", "[]", "7", """{"event":"no_such_event"}""", """{"event":"turn_ended","state_digest":null}""", """{"recovery":7}""", """{"input":{"type":"none"}}"""];

    [Theory]
    [MemberData(nameof(Damaged))]
    public void A_damaged_record_of_a_journal_is_named(string text) =>
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, Assert.Throws<RecoveryException>(() => AgentEventJson.Read(Encoding.UTF8.GetBytes(text))).Error.Code);

    [Theory]
    [MemberData(nameof(Damaged))]
    public void A_damaged_record_of_a_coordinator_is_named(string text) =>
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, Assert.Throws<RecoveryException>(() => ExecutionLog.Read(Encoding.UTF8.GetBytes(text))).Error.Code);

    [Fact]
    public void A_record_from_before_releases_named_undone_ranges_has_none()
    {
        var unbarred = (Unbarred)AgentEventJson.Read("""{"event":"unbarred","recovery":"r1"}"""u8);
        var reinstated = (Reinstated)AgentEventJson.Read("""{"event":"reinstated","recovery":"r1","quarantined":false}"""u8);

        Assert.Empty(unbarred.Undone);
        Assert.Empty(reinstated.Undone);
        Assert.Empty(ParticipantState.Initial(A("a")).After(unbarred).After(reinstated).Undone);
    }

    [Fact]
    public void A_step_from_before_tasks_had_gates_has_none_and_a_member_that_is_not_known_does_no_harm()
    {
        var intended = (ActionIntended)AgentEventJson.Read(
            """{"event":"action_intended","name":"book","class":"pure","argument":1,"allowed_by_policy":false,"has_compensation":false,"of_later":{"a":1}}"""u8);
        var settled = (ActionSettled)AgentEventJson.Read("""{"event":"action_settled","action":3,"succeeded":true,"result":1,"of_later":[]}"""u8);

        Assert.Null(intended.Gate);
        Assert.Null(settled.Spent);
        Assert.DoesNotContain("gate", Encoding.UTF8.GetString(AgentEventJson.Write(intended)), StringComparison.Ordinal);
        Assert.DoesNotContain("spent", Encoding.UTF8.GetString(AgentEventJson.Write(settled)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_from_before_compensations_had_tries_is_of_the_first_and_its_report_of_the_one_that_was_asked_for()
    {
        var settled = AgentEventJson.Read("""{"event":"compensation_settled","recovery":"r1","action":3,"result":"failed","attempts":5}"""u8);
        var logged = ExecutionLog.Read(
            """{"coordinator":{"recovery":"r1","input":{"type":"compensation_reported","message":{"recovery":"r1","epoch":0,"agent":"a","action":3,"result":"failed","attempts":5}}}}"""u8);

        Assert.Equal(1, Assert.IsType<CompensationSettled>(settled).Try);
        Assert.Contains("\"try\":1", Encoding.UTF8.GetString(AgentEventJson.Write(settled)), StringComparison.Ordinal);
        var report = Assert.IsType<CoordinatorInput.CompensationReported>(logged.Coordinator!.Input).Message;
        Assert.Equal((0, CompensationResult.Failed), (report.Try, report.Result));
    }
}
