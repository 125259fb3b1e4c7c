using System.Diagnostics;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What is told of turns, of messages of the coordinator and of compensations. Spans and scopes reach the author's code, which runs inside them.</content>
public sealed partial class AgentMailbox
{
    private async Task HandleAsync(ParticipantMessage message)
    {
        using var scope = _setup.Logger.BeginRecovery(_setup.Execution, message.Recovery, _agent.Agent);
        using var span = RecoverySpans.Start(_setup.Execution, message);
        try
        {
            var resumed = await (await LoadedAsync()).HandleAsync(message, _stopping.Token);
            _awaitsRecovery &= !resumed;
        }
        catch (Exception failure)
        {
            span.Failed(failure);
            throw;
        }
    }

    private async Task<TurnResult> ObservedTurnAsync(Func<Task<TurnResult>> turn, AgentDriver driver, MessageId message)
    {
        using var scope = _setup.Logger.BeginTurn(_setup.Execution, _agent.Agent, message);
        using var span = RecoverySpans.StartTurn(_setup.Execution, _agent.Agent, message);
        var began = Stopwatch.GetTimestamp();
        var result = TurnResult.Stopped;
        try
        {
            result = await turn();
            return result;
        }
        catch (Exception failure)
        {
            span.Failed(failure);
            throw;
        }
        finally
        {
            var ended = RecoveryMetrics.Tag(AttributeNames.Result, result);
            RecoveryMetrics.TurnDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, ended);
            span?.SetTag(ended.Key, ended.Value)
                .SetTag(AttributeNames.Interval, driver.History.Current.Number)
                .SetTag(AttributeNames.Incarnation, driver.History.Incarnation.Number)
                .SetStatus(result == TurnResult.Failed ? ActivityStatusCode.Error : span.Status, span.StatusDescription);
        }
    }

    private async Task<(CompensationResult Result, int Attempts, string? Detail)> ObservedCompensationAsync(
        AgentDriver driver, RecoveryId recovery, SequenceNumber action)
    {
        var id = new ActionId(_agent.Agent, action);
        using var scope = _setup.Logger.BeginRecovery(_setup.Execution, recovery, _agent.Agent);
        using var span = RecoverySpans.Start(SpanNames.Compensate, _setup.Execution, recovery, _agent.Agent)?.SetTag(AttributeNames.Action, id.ToString());
        var began = Stopwatch.GetTimestamp();
        var report = await RunCompensationAsync(driver, action);
        var ended = RecoveryMetrics.Tag(AttributeNames.Result, report.Result);
        RecoveryMetrics.CompensationDuration.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, ended);
        RecoveryMetrics.CompensationAttempts.Add(report.Attempts);
        span?.SetTag(ended.Key, ended.Value).SetTag(AttributeNames.Attempts, report.Attempts);
        if (report.Result == CompensationResult.Failed)
        {
            span?.SetStatus(ActivityStatusCode.Error, report.Detail);
            _setup.Logger.CompensationFailed(id.ToString(), report.Attempts, report.Detail);
        }

        return report;
    }
}
