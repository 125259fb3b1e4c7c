using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Grains;

/// <summary>A grain that cannot be activated: whoever called gets an exception that Orleans carries to any silo and client, and calls again.</summary>
internal static class Activating
{
    internal static async Task GuardAsync(Func<Task> activate)
    {
        try
        {
            await activate();
        }
        catch (Exception failure) when (failure is RecoveryException or StaleAppendException)
        {
#pragma warning disable MA0054 // The cause itself has no serialiser, and would not arrive.
            throw new OrleansException($"It cannot be activated now: {failure.Message}");
#pragma warning restore MA0054
        }
    }
}
