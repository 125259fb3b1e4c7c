using OrleansRecovery.Draft.Tests.Traces;
using OrleansRecovery.Draft.Tests.Writers;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Repository.Tests;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests;

/// <summary>What the draft includes is what the code says today.</summary>
public sealed class GeneratedFileTests
{
    private const string Folder = "draft/generated/";

    private static readonly Dictionary<string, Func<string>> Writers = new(StringComparer.Ordinal)
    {
        ["participant-states.md"] = () => StateListing.Write("participant", ParticipantMachine.Table),
        ["coordinator-states.md"] = () => StateListing.Write("coordinator", CoordinatorMachine.Table),
        ["execution-states.md"] = () => StateListing.Write("execution", ExecutionMachine.Table),
        ["schemas.md"] = SchemaListing.Write,
        ["message-examples.md"] = MessageExamples.Write,
        ["error-codes.md"] = WireValues.Write,
        ["vectors.md"] = HistoryListing.Write,
        ["requirements.md"] = () => RequirementListing.Write(DraftTests.Draft!),
        ["trace-happy-path.md"] = TraceWriter.HappyPath,
        ["trace-refused-vote.md"] = TraceWriter.RefusedVote,
        ["trace-coordinator-crash.md"] = TraceWriter.CoordinatorCrash,
        ["trace-nested-recovery.md"] = TraceWriter.NestedRecovery,
        ["trace-false-signal.md"] = TraceWriter.FalseSignal,
    };

    public static TheoryData<string> Names => [.. Writers.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_generated_file_is_what_the_code_says(string name) => Generated.AssertCurrent(Folder + name, Writers[name]());

    [Theory]
    [MemberData(nameof(Names))]
    public void A_listing_fits_into_the_draft(string name)
    {
        var isListing = false;
        foreach (var line in Files.ReadLines(Folder + name))
        {
            isListing ^= line.StartsWith("~~~", StringComparison.Ordinal);
            Assert.True(!isListing || line.Length <= DraftText.ColumnsMax, $"{name}: {line.Length} columns: {line}");
            Assert.True(line.All(char.IsAscii), $"{name}: {line}");
        }

        Assert.False(isListing, $"{name} has a listing without an end.");
    }

    [Fact]
    public void Nothing_else_lies_among_the_generated_files() =>
        Assert.Equal(Writers.Keys.Order(StringComparer.Ordinal), Files.Files.Where(file => Files.IsUnder(file, Folder)).Select(file => file[Folder.Length..]));
}
