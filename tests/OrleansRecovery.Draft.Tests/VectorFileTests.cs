using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Kit;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Repository.Tests;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests;

/// <summary>The vectors for other implementations are what this one does.</summary>
public sealed class VectorFileTests
{
    private const string Folder = "draft/vectors/";

    private static readonly Dictionary<string, Func<string>> Writers = new(StringComparer.Ordinal)
    {
        ["histories.json"] = HistoryVectors.Write,
        ["ledger.json"] = LedgerVectors.Write,
        ["messages.json"] = MessageVectors.Write,
        ["participant.json"] = ParticipantVectors.Write,
    };

    public static TheoryData<string> Names => [.. Writers.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_vector_file_is_what_the_code_says(string name) => Generated.AssertCurrent(Folder + name, Writers[name]());

    [Fact]
    public void The_sequences_take_every_row_of_the_participants_table_to_every_phase_that_it_names()
    {
        var moments = ParticipantVectors.Found.SelectMany(last => last.Before.Skip(1).Append(last)).ToList();
        var taken = moments.Select(moment => (moment.Row, moment.State.Phase)).ToHashSet();

        Assert.InRange(ParticipantVectors.Found.Count, 40, 200);
        Assert.DoesNotContain(ParticipantMachine.Table.Rows.SelectMany(row => row.To.Select(to => (row.Label, to))), pair => !taken.Contains(pair));
        Assert.All(ParticipantMachine.Table.Rows.Where(row => !row.IsLegal), row => Assert.Contains(moments, moment => moment.Row == row.Label && !moment.Step!.IsLegal));
    }

    [Fact]
    public void Every_changed_ledger_is_found_out_and_the_unchanged_one_is_sound()
    {
        var ledgers = JsonNode.Parse(LedgerVectors.Write())!["ledgers"]!.AsArray();

        Assert.True(ledgers[0]!["is_sound"]!.GetValue<bool>());
        Assert.All(ledgers.Skip(1), ledger => Assert.False(ledger!["is_sound"]!.GetValue<bool>(), ledger!["what"]!.GetValue<string>()));
    }

    [Fact]
    public void Messages_of_both_sorts_are_among_the_vectors()
    {
        var vectors = JsonNode.Parse(MessageVectors.Write())!.AsArray();

        Assert.InRange(vectors.Count(vector => vector!["refused"] is null), 15, 40);
        Assert.InRange(vectors.Count(vector => vector!["refused"] is not null), 20, 40);
    }

    [Fact]
    public void The_readme_tells_of_every_vector_file_and_of_no_other()
    {
        var readme = Files.Read(Folder + "README.md");

        Assert.Equal(Writers.Keys.Append("README.md").Order(StringComparer.Ordinal), Files.Files.Where(file => Files.IsUnder(file, Folder)).Select(file => file[Folder.Length..]).Order(StringComparer.Ordinal));
        Assert.All(Writers.Keys, name => Assert.Contains($"`{name}`", readme, StringComparison.Ordinal));
    }
}
