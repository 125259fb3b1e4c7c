using System.Text.Json;
using System.Text.RegularExpressions;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Tests.Machines;
using OrleansRecovery.Protocol.Tests.Support;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests;

/// <summary>The members of recovery records' bodies: what the draft lists is what the code writes.</summary>
public sealed partial class RecordBodyTests
{
    // Nobody writes them yet.
    private static readonly RecoveryRecordKind[] Unwritten = [RecoveryRecordKind.PolicyException, RecoveryRecordKind.ResidueHandled];

    [DraftFact]
    public void Bodies_of_records_have_the_members_that_the_draft_lists()
    {
        var listed = Listed(Files.Read(DraftTests.Draft!));
        var written = Written().ToLookup(entry => entry.Kind, entry => entry.Body);

        Assert.Equal(Enum.GetValues<RecoveryRecordKind>().Order(), listed.Keys.Order());
        Assert.Equal(Enum.GetValues<RecoveryRecordKind>().Except(Unwritten).Order(), written.Select(group => group.Key).Order());
        foreach (var group in written)
        {
            var names = group.SelectMany(Names).ToHashSet(StringComparer.Ordinal);
            Assert.Equal(listed[group.Key].Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        }
    }

    private static IEnumerable<string> Names(JsonElement body) => body.EnumerateObject().Select(member => member.Name);

    private static Dictionary<RecoveryRecordKind, List<string>> Listed(string draft)
    {
        var listed = new Dictionary<RecoveryRecordKind, List<string>>();
        foreach (Match line in Lines().Matches(draft.Split("{: #fig-bodies")[0].Split("~~~\n")[^2]))
        {
            var kind = Enum.GetValues<RecoveryRecordKind>().Single(kind => WireNames.Of(kind) == line.Groups["kind"].Value);
            var names = Names().Matches(line.Groups["members"].Value).Select(name => name.Value).Where(name => name is not ("as" or "and" or "or"));
            listed[kind] = [.. names.SelectMany(name => name == "signal_accepted" ? listed[RecoveryRecordKind.SignalAccepted] : [name])];
        }

        return listed;
    }

    // Every input in every phase that it can come in.
    private static IEnumerable<LedgerEntry> Written()
    {
        var signal = Sample.Signal("a", 1) with { EvidenceDigest = new string('a', 64), Detail = "it is wrong" };
        var steps = from phase in Enum.GetValues<CoordinatorPhase>()
                    from kind in Enum.GetValues<CoordinatorInputKind>()
                    let before = Representative.Coordinator(phase)
                    from input in Inputs(kind)
                    let step = CoordinatorMachine.Apply(before, input)
                    where step.IsLegal && step.State != before
                    from entry in LedgerEntries.Of(before, input, step.State)
                    select entry;
        return
        [
            .. steps,
            .. LedgerEntries.OfOpening(Sample.Opening()),
            LedgerEntries.OfSignal(signal),
            LedgerEntries.OfRefusal(signal, "REC0021"),
            new LedgerEntry(RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(Key, Key.Key, "c2lnbmVk"))),
            new LedgerEntry(RecoveryRecordKind.Head, LedgerSignatures.Body(new SignedHead(new string('a', 64), Key.Key, "c2lnbmVk"))),
        ];
    }

    private static PublicKey Key { get; } = PublicKey.Of(new byte[32], new byte[32]);

    private static IEnumerable<CoordinatorInput> Inputs(CoordinatorInputKind kind) => kind switch
    {
        CoordinatorInputKind.CompensationReported => [Ended(CompensationResult.Compensated), Ended(CompensationResult.Failed)],
        CoordinatorInputKind.Ruled => Enum.GetValues<Ruling>().Select(ruling => new CoordinatorInput.Ruled(ruling, Sample.Operator, "it was time")),
        _ => [Representative.Of(kind)],
    };

    private static CoordinatorInput.CompensationReported Ended(CompensationResult result) =>
        new(new Compensated(Sample.Recovery, default, Sample.A("a"), Sample.S(3), 1, result, 1, "at once"));

    [GeneratedRegex(@"^(?<kind>[a-z_]+) +(?<members>\S.*(\n +\S.*)*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Lines();

    [GeneratedRegex("[a-z_]+")]
    private static partial Regex Names();
}
