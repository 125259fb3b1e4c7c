using System.Text.Json;
using BenchmarkDotNet.Attributes;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Benchmarks;

/// <summary>The steps of which a recovery is made, each alone: measured by BenchmarkDotNet (<c>-- bdn</c>), and quickly in a run of all (<c>-- micro</c>).</summary>
[MemoryDiagnoser]
[InProcess]
public class StepBenchmarks : IDisposable
{
    private const string Execution = "run";
    private static readonly TenantId Tenant = TenantId.Parse("bench");
    private static readonly ExecutionAddress Address = new(Tenant, ExecutionId.Parse(Execution));
    private static readonly AgentId Agent = AgentId.Parse("payments");
    private static readonly RecoveryId Recovery = RecoveryId.Parse("r-0190aabbccddeeff");

    private readonly LedgerKey _key = LedgerKey.Ephemeral();
    private readonly LedgerEntry _entry;
    private readonly RecoveryRecord _record;
    private readonly JsonElement _json;
    private readonly LedgerHead _head;
    private readonly byte[] _statement;
    private readonly Prepare _prepare;
    private readonly byte[] _prepareBytes;
    private readonly Vote _vote;
    private readonly byte[] _voteBytes;
    private readonly ParticipantState _active = ParticipantState.Initial(Agent);
    private readonly UndoEstimate _estimate;

    /// <summary>Makes what the steps work on.</summary>
    public StepBenchmarks()
    {
        var signal = FailureSignals.Make(Address, new Interval(Agent, CheckpointNumber.Of(1)), IssuerId.Parse("monitor"));
        _entry = LedgerEntries.OfSignal(signal);
        (_record, var line, _head) = LedgerChain.Append(LedgerHead.Empty, Tenant, _entry, 1_800_000_000_000);
        using var document = JsonDocument.Parse(line);
        _json = document.RootElement.Clone();
        _statement = LedgerSignatures.HeadStatement(Tenant, _head);
        _prepare = new Prepare(Recovery, Epoch.First, Agent, 1, [CheckpointNumber.Of(1)], []);
        _prepareBytes = MessageCodec.Write(new AddressedMessage(Address, _prepare));
        var trace = new UndoneTrace(
            [.. Enumerable.Range(0, 8).Select(number => new UndoneSend(SequenceNumber.Of(number), AgentId.Parse($"a{number}")))],
            [.. Enumerable.Range(0, 8).Select(number => new UndoneReceipt(SequenceNumber.Of(number + 8), new MessageId(Agent, SequenceNumber.Of(number))))],
            [.. Enumerable.Range(0, 4).Select(number => new UndoneAction(SequenceNumber.Of(number + 16), ActionClass.Compensatable, ActionProgress.Done, "charge"))]);
        _vote = new Vote(Recovery, Epoch.First, Agent, 1, VoteKind.Ready, Incarnation.First, CheckpointNumber.Of(1), trace, []);
        _voteBytes = MessageCodec.Write(new AddressedMessage(Address, _vote));
        _estimate = new UndoEstimate(CheckpointNumber.Of(1), Incarnation.First, CheckpointNumber.Of(2), trace, []);
    }

    /// <summary>All steps, for a quick run.</summary>
    internal IReadOnlyList<(string Name, Action Run)> Steps =>
    [
        ("canonical JSON of a ledger's record", () => CanonicalForm()),
        ("hash of a ledger's record, canonical form included", () => Hash()),
        ("ledger record: form, hash and chain", () => Append()),
        ("signature of a head (one for each batch)", () => Sign()),
        ("participant's machine: Prepare to Prepared", () => Step()),
        ("encode Prepare", () => EncodePrepare()),
        ("decode Prepare", () => DecodePrepare()),
        ("encode Vote with 20 records", () => EncodeVote()),
        ("decode Vote with 20 records", () => DecodeVote()),
    ];

    /// <summary>RFC 8785.</summary>
    [Benchmark]
    public int CanonicalForm() => CanonicalJson.Write(_json).Length;

    /// <summary>SHA-256 of it.</summary>
    [Benchmark]
    public string Hash() => LedgerChain.HashOf(_record);

    /// <summary>A record of a ledger.</summary>
    [Benchmark]
    public int Append() => LedgerChain.Append(_head, Tenant, _entry, 1_800_000_000_000).Line.Length;

    /// <summary>ES256.</summary>
    [Benchmark]
    public int Sign() => _key.Sign(_statement).Length;

    /// <summary>A promise.</summary>
    [Benchmark]
    public ParticipantState Step() => ParticipantMachine.Apply(_active, new ParticipantInput.Prepare(_prepare, _estimate)).State;

    /// <summary>A small message.</summary>
    [Benchmark]
    public int EncodePrepare() => MessageCodec.Write(new AddressedMessage(Address, _prepare)).Length;

    /// <summary>A small message.</summary>
    [Benchmark]
    public bool DecodePrepare() => MessageCodec.TryRead(_prepareBytes, out _, out _);

    /// <summary>A larger one.</summary>
    [Benchmark]
    public int EncodeVote() => MessageCodec.Write(new AddressedMessage(Address, _vote)).Length;

    /// <summary>A larger one.</summary>
    [Benchmark]
    public bool DecodeVote() => MessageCodec.TryRead(_voteBytes, out _, out _);

    /// <summary>Forgets the key.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _key.Dispose();
        GC.SuppressFinalize(this);
    }

    internal static void Run(bool isShort)
    {
        Report.Section("Steps", "Each alone, on one thread. BenchmarkDotNet measures the same with `-- bdn`.");
        Report.Table("Steps of which a recovery is made", "step", "p50, us", "best, us", "per second (p50)", "bytes allocated");
        using var steps = new StepBenchmarks();
        foreach (var (name, run) in steps.Steps)
        {
            const int Inner = 100;
            var (median, best, bytes) = Report.Time(isShort, () =>
            {
                for (var i = 0; i < Inner; i++)
                {
                    run();
                }
            });
            Report.Row(name, median * 1_000 / Inner, best * 1_000 / Inner, Inner * 1_000 / median, bytes / Inner);
        }
    }
}

/// <summary>The walks alone, measured by BenchmarkDotNet.</summary>
[MemoryDiagnoser]
[InProcess]
public class WalkBenchmarks
{
    private DependencyLayout _graph = DependencyLayout.Of(0, [], []);
    private List<List<int>> _lists = [];
    private int _seed;

    /// <summary>How many edges.</summary>
    [Params(10_000, 1_000_000)]
    public int Edges { get; set; }

    /// <summary>Does nearly everything fall, or one group of 2,000 intervals?</summary>
    [Params(true, false)]
    public bool Wide { get; set; }

    /// <summary>Makes the graph.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var (nodeCount, from, to) = Wide ? Graphs.Wide(Edges, local: true) : Graphs.Grouped(Edges);
        _graph = DependencyLayout.Of(nodeCount, from, to);
        _lists = Graphs.Lists(nodeCount, from, to);
        _seed = Wide ? 0 : nodeCount / 2 / Graphs.SmallNodeCount * Graphs.SmallNodeCount;
    }

    /// <summary>A queue over lists.</summary>
    [Benchmark(Baseline = true)]
    public int Textbook() => Graphs.Textbook(_lists, _seed);

    /// <summary>The layout's worklist.</summary>
    [Benchmark]
    public int Worklist() => _graph.ReachByWorklist([_seed]).Count;

    /// <summary>The layout's pass.</summary>
    [Benchmark]
    public int Sweep() => _graph.ReachBySweep([_seed]).Count;

    /// <summary>The one that the layout chooses.</summary>
    [Benchmark]
    public int Chosen() => _graph.Reach([_seed]).Count;
}
