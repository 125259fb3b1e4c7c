using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Simulation.Cluster;

/// <summary>An execution's coordinator on a node: the driver that ships, connected by the network.</summary>
internal sealed class CoordinatorActivation : IExecutionEnvironment
{
    private readonly Node _node;
    private readonly string _key;
    private readonly ExecutionAddress _address;
    private readonly ToldLedger _ledger;

    private CoordinatorActivation(Node node, string key)
    {
        (_node, _key, _address) = (node, key, Keys.Execution(key));
        _ledger = new ToldLedger(node.Journal, _address, new LedgerCalls(node, _address.Tenant), node.Process.Time, node.Process.Loop.Log) { Scheduler = node.Process };
    }

    public ExecutionDriver Driver { get; private set; } = null!;

    public static async Task<CoordinatorActivation> LoadAsync(Node node, string key)
    {
        var activation = new CoordinatorActivation(node, key);
        activation.Driver = await ExecutionDriver.LoadAsync(node.Setup, activation, activation._address, CancellationToken.None);
        await activation._ledger.TellMissingAsync(CancellationToken.None);
        activation.Driver.Begin();
        return activation;
    }

    public Task AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries) => _ledger.AppendAsync(log, entries, CancellationToken.None);

    public void Overtaken()
    {
        _node.Drop(_key);
        _ = _node.Process.Start(async () => await Driver.DisposeAsync());
    }

    public void Deliver(ParticipantMessage message, SequenceNumber version)
    {
        _node.Host.NoteEpoch(_key, message.Epoch, this);
        var sent = _node.Host.OverTheWire(_address, message);
        _node.Host.Tell<AgentMailbox>(_node, Keys.Of(_address, message.Agent), $"{message.Kind} {message.Agent}", mailbox => mailbox.Post(sent, version));
    }

    public void Wake(AgentId agent) => _node.Host.Tell<AgentMailbox>(_node, Keys.Of(_address, agent), "wake", mailbox => mailbox.Wake());

    public void Remind(AgentId agent) => _node.Host.Tell<AgentMailbox>(_node, Keys.Of(_address, agent), "remind", mailbox => mailbox.Remind());

    public Task SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken) =>
        _node.Host.CallAsync<AgentMailbox, bool>(_node, Keys.Of(_address, interval.Agent), "seal", async mailbox =>
        {
            await mailbox.SealAsync(interval.Number, by);
            return true;
        });

    public Task<Collected?> CollectAsync(AgentId agent, CheckpointNumber line, CancellationToken cancellationToken) =>
        _node.Host.CallAsync<AgentMailbox, Collected?>(_node, Keys.Of(_address, agent), "collect", mailbox => mailbox.CollectAsync(line));

    public void Publish(ExecutionProgress progress)
    {
        // Nothing rests on it.
    }

    private sealed class LedgerCalls(Node node, TenantId tenant) : ILedger
    {
        public Task AppendAsync(IReadOnlyList<LedgerEntry> entries) => CallAsync(async keeper =>
        {
            await keeper.AppendAsync(entries);
            return true;
        });

        public Task<SequenceNumber?> LastCauseAsync(ExecutionId execution) => CallAsync(keeper => keeper.LastCauseAsync(execution));

        private Task<T> CallAsync<T>(Func<LedgerKeeper, Task<T>> call)
        {
            var key = Keys.Of(tenant);
            return node.Host.CallAsync<LedgerKeeper, T>(node, key, "ledger", async keeper =>
            {
                try
                {
                    return await call(keeper);
                }
                finally
                {
                    if (keeper.IsStale)
                    {
                        node.Host.Members.ToList().ForEach(member => member.Drop(key));
                    }
                }
            });
        }
    }
}
