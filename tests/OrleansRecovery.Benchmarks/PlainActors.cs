using System.Text.Json;
using System.Threading.Channels;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Benchmarks;

/// <summary>
/// What a programmer writes without this library: an actor is a channel and a loop; its state is made durable after each message, before the next one is sent. Messages
/// themselves are in memory, and nothing says who relied on whom.
/// </summary>
internal sealed class PlainActors : IAsyncDisposable
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("bench"), ExecutionId.Parse("plain"));
    private readonly IJournalDatabase? _journal;
    private readonly Channel<Work>[] _boxes;
    private readonly Task[] _loops;
    private readonly Dictionary<string, int> _places = [];
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open;

    /// <param name="count">How many.</param>
    /// <param name="journal">Where their states are kept; null: nowhere.</param>
    public PlainActors(int count, IJournalDatabase? journal)
    {
        _journal = journal;
        _boxes = [.. Enumerable.Range(0, count).Select(_ => Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true }))];
        Names = [.. Enumerable.Range(0, count).Select(number => $"n{number}")];
        for (var i = 0; i < count; i++)
        {
            _places[Names[i]] = i;
        }

        _loops = [.. Enumerable.Range(0, count).Select(place => Task.Run(() => LoopAsync(place)))];
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>Sends each its first message, and waits until the last was handled.</summary>
    public Task RunAsync(Func<int, Work> first)
    {
        _open = Names.Count;
        for (var i = 0; i < Names.Count; i++)
        {
            _boxes[i].Writer.TryWrite(first(i));
        }

        return _settled.Task;
    }

    public async ValueTask DisposeAsync()
    {
        Array.ForEach(_boxes, box => box.Writer.TryComplete());
        await Task.WhenAll(_loops);
    }

    private async Task LoopAsync(int place)
    {
        var stream = StreamId.OfAgent(Execution, AgentId.Parse(Names[place]));
        var (state, version) = (new Counted(), 0L);
        await foreach (var work in _boxes[place].Reader.ReadAllAsync())
        {
            state = new Counted { Count = state.Count + 1 };
            if (_journal is not null)
            {
                await _journal.AppendAsync(new StreamAppend(stream, version++, [JsonSerializer.SerializeToUtf8Bytes(state)], []));
            }

            if (work.Hops > 0)
            {
                _boxes[_places[work.Next[0]]].Writer.TryWrite(work with { Next = [.. work.Next.Skip(1), work.Next[0]], Hops = work.Hops - 1 });
            }
            else if (Interlocked.Decrement(ref _open) == 0)
            {
                _settled.TrySetResult();
            }
        }
    }
}
