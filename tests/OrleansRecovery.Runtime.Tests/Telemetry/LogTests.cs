using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Runtime.Telemetry;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Telemetry;

/// <summary>What log lines are about, whether or not anybody listens to spans.</summary>
public sealed class LogTests
{
    [Fact]
    public async Task Lines_about_a_recovery_carry_execution_recovery_and_trace_and_so_do_those_of_compensations()
    {
        var lines = new Lines();
        using var logging = LoggerFactory.Create(builder => builder.AddProvider(lines).SetMinimumLevel(LogLevel.Debug));
        var author = logging.CreateLogger("author");
        var world = new ProbeWorld
        {
            OnTurn = (turn, _) => SayAsync(turn),
            OnUndo = (text, _) => SayAsync($"undo {text}"),
        };
        await using var probe = await ProbeHost.StartAsync(world, options: new LocalHostOptions { Logging = logging });
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        await probe.FailAsync("a", 1);
        var recovery = (await probe.SettledAsync()).Recoveries.Single().Recovery;

        var ended = lines.All.Single(line => line.Text.StartsWith($"Recovery {recovery} ended", StringComparison.Ordinal)).Scope;
        Assert.Equal(("t", "e", recovery.Text), (ended[AttributeNames.Tenant], ended[AttributeNames.Execution], ended[AttributeNames.Recovery]));
        Assert.Equal(RecoveryTelemetry.TraceOf(ProbeHost.Execution, recovery).ToHexString(), ended[AttributeNames.Trace]);
        var undone = lines.All.Single(line => line.Text == "undo x").Scope;
        Assert.Equal((recovery.Text, "a", ended[AttributeNames.Trace]), (undone[AttributeNames.Recovery], undone[AttributeNames.Agent], undone[AttributeNames.Trace]));
        var turn = lines.All.First(line => line.Text == "a:x").Scope;
        Assert.Equal(("e", "a", "@outside#1"), (turn[AttributeNames.Execution], turn[AttributeNames.Agent], turn[AttributeNames.Message]));
        Assert.False(turn.ContainsKey(AttributeNames.Recovery));

        Task SayAsync(string text)
        {
            author.Said(text);
            return Task.CompletedTask;
        }
    }

    private sealed class Lines : ILoggerProvider, ISupportExternalScope, ILogger
    {
        private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

        public ConcurrentQueue<(string Text, Dictionary<string, object?> Scope)> All { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => _scopes.Push(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var about = new Dictionary<string, object?>(StringComparer.Ordinal);
            _scopes.ForEachScope(
                (scope, all) =>
                {
                    foreach (var (name, value) in scope as IEnumerable<KeyValuePair<string, object?>> ?? [])
                    {
                        all[name] = value;
                    }
                },
                about);
            All.Enqueue((formatter(state, exception), about));
        }

        public void Dispose()
        {
        }
    }
}

internal static partial class AuthorLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    internal static partial void Said(this ILogger logger, string text);
}
