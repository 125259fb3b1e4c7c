using Microsoft.Extensions.Diagnostics.HealthChecks;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Orleans.Health;

/// <summary>Verifies ledgers line by line, each line once, and a bounded number of them at a time: a long ledger is verified over several checks.</summary>
internal sealed class LedgerCheck(RecoverySilo silo) : IHealthCheck, IDisposable
{
    private const int LinesMax = 10_000;
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly Dictionary<TenantId, LedgerVerifier> _verifiers = [];

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            await VerifyAsync(cancellationToken);
            return Result();
        }
#pragma warning disable CA1031 // The storage has a check of its own; what it keeps from this one is not said of the ledger.
        catch (Exception unread) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return HealthCheckResult.Degraded($"Ledgers cannot be read: {unread.Message}", unread);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task VerifyAsync(CancellationToken cancellationToken)
    {
        var lines = 0;
        foreach (var tenant in silo.Drivers.Keys.Select(execution => execution.Tenant).Distinct())
        {
            if (!_verifiers.TryGetValue(tenant, out var verifier))
            {
                _verifiers[tenant] = verifier = new LedgerVerifier();
            }

            await foreach (var stored in silo.Journal.ReadAsync(StreamId.OfLedger(tenant), verifier.SoundCount, cancellationToken))
            {
                if (lines++ == LinesMax || !verifier.Check(stored.Body.Span))
                {
                    break;
                }
            }
        }
    }

    private HealthCheckResult Result()
    {
        var data = _verifiers.ToDictionary(ledger => ledger.Key.Text, object (ledger) => ledger.Value.SoundCount);
        if (_verifiers.FirstOrDefault(ledger => ledger.Value.Fault is not null) is { Value.Fault: { } fault } faulty)
        {
            return HealthCheckResult.Unhealthy(
                $"The ledger of tenant {faulty.Key} is not sound at record {fault.Line}: {fault.What}. What it says from there on proves nothing. Export it, and compare it with a kept copy.",
                data: data);
        }

        var late = silo.LedgerWaits.Where(wait => silo.Time.GetElapsedTime(wait.Value) > WaitMax).Select(wait => wait.Key).ToList();
        return late.Count == 0 ? HealthCheckResult.Healthy(data: data) : HealthCheckResult.Degraded(
            $"{late.Count} executions wait for the ledger, {late[0]} among them: their recoveries go on when it can be written. The log says why it cannot.", data: data);
    }
}
