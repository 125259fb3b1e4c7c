using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>How a compensation ended.</summary>
/// <param name="Result">Compensated or Failed.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="Detail">The last failure's message, or null.</param>
internal sealed record CompensationReport(CompensationResult Result, int Attempts, string? Detail);

/// <summary>Runs compensations: each try with a time-out, failed ones again with back-off and jitter, as policy says.</summary>
internal static class CompensationRunner
{
    private const int DetailLengthMax = 1024;

    internal static async Task<CompensationReport> RunAsync(
        ActionBehavior action,
        JsonElement argument,
        JsonElement? result,
        ActionId id,
        string idempotencyKey,
        RecoveryPolicy policy,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var attempts = 0;
        var pipeline = Pipeline(policy, time, idempotencyKey);
        var resilience = ResilienceContextPool.Shared.Get(continueOnCapturedContext: true, cancellationToken);
        try
        {
            await pipeline.ExecuteAsync(
                async tried =>
                {
                    var token = tried.CancellationToken;
                    attempts++;
                    var context = new CompensationContext(id, idempotencyKey, result is null, attempts, token);
                    var ran = result is { } recorded ? action.ReadResult(recorded) : null;
                    await action.CompensateAsync!(action.ReadArgument(argument), ran, context).WaitAsync(token);
                },
                resilience);
            return new CompensationReport(CompensationResult.Compensated, attempts, null);
        }
#pragma warning disable CA1031 // An author's compensation may throw anything; the failure is a state of the recovery, not an exception (style 3.5).
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            var detail = failure.Message.Length > DetailLengthMax ? failure.Message[..DetailLengthMax] : failure.Message;
            return new CompensationReport(CompensationResult.Failed, attempts, detail);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(resilience);
        }
    }

    private static ResiliencePipeline Pipeline(RecoveryPolicy policy, TimeProvider time, string idempotencyKey)
    {
        // The jitter is to differ between actions, and follows from them: the same run waits for the same time.
        var jitter = new Random(BinaryPrimitives.ReadInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(idempotencyKey))));
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (policy.CompensationTryCountMax > 1)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = policy.CompensationTryCountMax - 1,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Randomizer = jitter.NextDouble,
                Delay = TimeSpan.FromMilliseconds(policy.CompensationBackoffMilliseconds),
                MaxDelay = TimeSpan.FromMinutes(5),
                ShouldHandle = new PredicateBuilder().Handle<Exception>(),
            });
        }

        return builder
            .AddTimeout(new TimeoutStrategyOptions { Timeout = TimeSpan.FromMilliseconds(Math.Max(10, policy.ActionTimeoutMilliseconds)) })
            .Build();
    }
}
