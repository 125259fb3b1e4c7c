using System.Globalization;
using System.Text;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Storage;

namespace OrleansRecovery.Simulation.Cluster;

/// <summary>
/// Processes that host coordinators, agents and ledgers, each on one of them at a time as far as the others know: the drivers, mailboxes and ledgers are those
/// that ship, and between them is a network. A process that is thought to be dead may go on for a while.
/// </summary>
internal sealed class ClusterHost(Loop loop, Faults faults, Disk disk, AgentCatalog catalog)
{
    private const int RepeatsMax = 15;
    private static readonly TimeSpan RepeatWindow = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, Node> _directory = [];
    private readonly List<Node> _members = [];
    private readonly HashSet<(Node From, Node To)> _cut = [];
    private readonly Dictionary<(string Execution, Epoch Epoch), CoordinatorActivation> _epochs = [];
    private readonly long _messageBytesMax = loop.PickOne(0, RecentMessages.BytesMaxDefault); // what is not in memory is read from journals, which may fail
    private readonly TimeSpan _collectInterval = loop.PickOne(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(10));
    private readonly Dictionary<string, int> _said = [];
    private long _repeatWindow;
    private int _nodeCount;

    public static LedgerKey Key { get; } = LedgerKey.Ephemeral();

    public Loop Loop => loop;

    public AgentCatalog Catalog => catalog;

    public IReadOnlyList<Node> Members => _members;

    /// <summary>What must not be.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>Under which epoch a coordinator speaks: nobody else may have used it (theory, S13).</summary>
    public void NoteEpoch(string execution, Epoch epoch, CoordinatorActivation by)
    {
        if (_epochs.TryAdd((execution, epoch), by))
        {
            return;
        }

        if (_epochs[(execution, epoch)] != by)
        {
            Complaints.Add($"two coordinators speak under epoch {epoch}");
        }
    }

    /// <summary>Told of every message that arrives.</summary>
    public Action<string, Node, Node> OnMessage { get; set; } = (_, _, _) => { };

    public Node AddNode()
    {
        var process = new Process(loop, $"n{(++_nodeCount).ToString(CultureInfo.InvariantCulture)}");
        var journal = disk.Of(process);
        var setup = new ExecutionSetup(journal, SignalPolicy.Default, _collectInterval, process.Time, loop.Log) { Scheduler = process };
        var node = new Node(this, process, journal, setup, _messageBytesMax);
        _members.Add(node);
        return node;
    }

    /// <summary>The process ends; after a while the others know.</summary>
    public void Kill(Process process)
    {
        process.Kill();
        GiveUp(_members.Find(node => node.Process == process));
    }

    /// <summary>The process stands still; the others think that it is dead, and when it goes on it learns it after a while.</summary>
    public void Freeze(Node node)
    {
        node.Process.Freeze();
        GiveUp(node);
        loop.After(TimeSpan.FromMilliseconds(loop.Random.Next(500, 10_000)), () =>
        {
            node.Process.Thaw();
            loop.After(TimeSpan.FromMilliseconds(loop.Random.Next(1, 3_000)), node.Process.Kill);
        });
    }

    /// <summary>Messages of one do not reach the other, for a while; the other way they do.</summary>
    public void Cut(Node from, Node to)
    {
        _cut.Add((from, to));
        loop.After(TimeSpan.FromMilliseconds(loop.Random.Next(100, 8_000)), () => _cut.Remove((from, to)));
    }

    /// <summary>The others forget where it is: it may run twice.</summary>
    public void Forget(string key) => _directory.Remove(key);

    public IReadOnlyCollection<string> Known => _directory.Keys;

    public void Left(string key, Node node)
    {
        if (_directory.TryGetValue(key, out var known) && known == node)
        {
            _directory.Remove(key);
        }
    }

    /// <summary>Calls what has a key, wherever it is. The call may come twice, its answer or itself not at all.</summary>
    public async Task<TResult> CallAsync<TTarget, TResult>(Node from, string key, string what, Func<TTarget, Task<TResult>> call)
    {
        var answer = new TaskCompletionSource<TResult>();
        var to = Place(key) ?? throw new TimeoutException("Nobody is there.");
        CarryOnceOrTwice(from, to, what, () => _ = to.Process.Start(() => ServeAsync(to)));

        return await answer.Task.WaitAsync(CallPatience, from.Process.Time);

        async Task ServeAsync(Node node)
        {
            try
            {
                var result = await call((TTarget)await node.ActivationAsync(key));
                Carry(node, from, what + " answer", () => answer.TrySetResult(result));
            }
#pragma warning disable CA1031 // Whatever it is, the caller hears of it.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                Carry(node, from, what + " failure", () => answer.TrySetException(failure));
            }
        }
    }

    /// <summary>A message that nobody waits for.</summary>
    public void Tell<TTarget>(Node from, string key, string what, Action<TTarget> tell)
    {
        if (Place(key) is not { } to)
        {
            return;
        }

        CarryOnceOrTwice(from, to, what, () => _ = to.Process.Start(async () => tell((TTarget)await to.ActivationAsync(key))));
    }

    /// <summary>As it crosses the network.</summary>
    public ParticipantMessage OverTheWire(ExecutionAddress execution, ParticipantMessage message)
    {
        var text = MessageCodec.Write(new AddressedMessage(execution, message));
        NoteSaid(Encoding.Latin1.GetString(text));
        return MessageCodec.TryRead(text, out var read, out var fault) ? (ParticipantMessage)read.Message : throw new InvalidOperationException(fault.ToString());
    }

    // What waits for an answer is said again with every tick, and a network may double it. Said more often than that at one time, it is said by somebody who does not
    // pause, or who says late, and all at once, what he would have said meanwhile.
    private void NoteSaid(string message)
    {
        if (loop.Now / RepeatWindow.Ticks != _repeatWindow)
        {
            _repeatWindow = loop.Now / RepeatWindow.Ticks;
            _said.Clear();
        }

        _said[message] = _said.GetValueOrDefault(message) + 1;
        if (_said[message] == RepeatsMax)
        {
            Complaints.Add($"it is said {RepeatsMax} times within {RepeatWindow.TotalMilliseconds} ms: {message}");
        }
    }

    // A copy may come when what was asked for has long been done, and another recovery is open.
    private void CarryOnceOrTwice(Node from, Node to, string what, Action arrive)
    {
        Carry(from, to, what, arrive);
        if (faults.Meets(Fault.MessageDoubled))
        {
            loop.After(loop.Chance(0.3) ? TimeSpan.FromMilliseconds(loop.Random.Next(100, 10_000)) : TimeSpan.Zero, () => Carry(from, to, what, arrive));
        }
    }

    private void Carry(Node from, Node to, string what, Action arrive)
    {
        if (_cut.Contains((from, to)) || (from != to && faults.Meets(Fault.MessageLost)))
        {
            return;
        }

        loop.After(from == to ? TimeSpan.Zero : faults.NetworkLatency(), () =>
        {
            if (from.Process.State != ProcessState.Dead || from != to)
            {
                OnMessage(what, from, to);
                loop.Ready(to.Process, arrive);
            }
        });
    }

    private Node? Place(string key)
    {
        if (!_directory.TryGetValue(key, out var node) && _members.Count > 0)
        {
            node = loop.PickOne(_members);
            _directory[key] = node;
        }

        return node;
    }

    private void GiveUp(Node? node)
    {
        if (node is null)
        {
            return;
        }

        _members.Remove(node);
        loop.After(TimeSpan.FromMilliseconds(loop.Random.Next(1, 3_000)), () =>
        {
            foreach (var key in _directory.Where(entry => entry.Value == node).Select(entry => entry.Key).ToList())
            {
                _directory.Remove(key);
            }
        });
        loop.After(TimeSpan.FromMilliseconds(loop.Random.Next(1, 2_000)), () => AddNode());
    }
}
