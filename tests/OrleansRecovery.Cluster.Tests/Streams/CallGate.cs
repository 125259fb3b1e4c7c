using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace OrleansRecovery.Cluster.Tests.Streams;

/// <summary>Holds chosen calls at the door of a grain, until the test lets them in.</summary>
internal sealed class CallGate(Func<IIncomingGrainCallContext, bool> holds) : IIncomingGrainCallFilter
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a call waits.</summary>
    internal Task Reached => _reached.Task;

    internal void Open() => _open.TrySetResult();

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        if (holds(context))
        {
            _reached.TrySetResult();
            await _open.Task;
        }

        await context.Invoke();
    }
}

/// <summary>Waits for a line of a silo's log.</summary>
internal sealed class LogWatch : ILoggerProvider, ILogger
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _lines = new(StringComparer.Ordinal);

    internal void AddTo(ISiloBuilder silo) => silo.Services.AddLogging(logging => logging.AddFilter<LogWatch>("OrleansRecovery", LogLevel.Debug).AddProvider(this));

    /// <summary>Completes when a line was logged that begins so.</summary>
    internal async Task SeenAsync(string beginning) => await OfLine(beginning).Task.WaitAsync(TimeSpan.FromMinutes(2));

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (eventId.Name is "AgentQuiesces")
        {
            OfLine(string.Join(' ', formatter(state, exception).Split(' ').Take(4))).TrySetResult();
        }
    }

    public void Dispose()
    {
    }

    private TaskCompletionSource OfLine(string line) => _lines.GetOrAdd(line, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
