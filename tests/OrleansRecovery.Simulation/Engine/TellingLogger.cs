using Microsoft.Extensions.Logging;

namespace OrleansRecovery.Simulation.Engine;

/// <summary>What hosts log, told with the rest of the story.</summary>
internal sealed class TellingLogger : ILogger, ILoggerFactory
{
    public Action<string>? Tell { get; set; }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => Tell is not null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Tell?.Invoke($"log {formatter(state, exception)}");

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
        // It is the only one.
    }

    public void Dispose()
    {
        // Nothing is open.
    }
}
