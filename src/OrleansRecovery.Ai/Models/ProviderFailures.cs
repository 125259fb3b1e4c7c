using System.ClientModel;
using System.Net.Sockets;

namespace OrleansRecovery.Ai.Models;

/// <summary>A provider gave no answer: the next one may.</summary>
internal sealed class ProviderFailedException(TryFailure failure, int? status, Exception? inner = null) : Exception($"{failure}", inner)
{
    internal TryFailure Failure => failure;

    internal int? Status => status;
}

/// <summary>A provider refused the question itself: no other one would take it.</summary>
internal sealed class ProviderRefusedException(int status, string detail, Exception inner) : Exception(detail, inner)
{
    internal int Status => status;

    internal string Detail => Message;
}

/// <summary>What kind of failure it is that a client threw.</summary>
internal static class ProviderFailures
{
    private const int DetailLengthMax = 200;

    internal static Exception Of(ModelProvider provider, Exception failure, bool isLate)
    {
        if (isLate)
        {
            return new ProviderFailedException(TryFailure.TimedOut, null, failure);
        }

        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case ClientResultException { Status: > 0 } answered:
                    return OfStatus(provider, answered.Status, cause);
                case HttpRequestException { StatusCode: { } status }:
                    return OfStatus(provider, (int)status, cause);
                case HttpRequestException or SocketException or IOException:
                    return new ProviderFailedException(TryFailure.Unreachable, null, failure);
                case OperationCanceledException or TimeoutException:
                    return new ProviderFailedException(TryFailure.TimedOut, null, failure);
                default:
                    break;
            }
        }

        return new ProviderFailedException(TryFailure.Malformed, null, failure);
    }

    private static Exception OfStatus(ModelProvider provider, int status, Exception cause) => status switch
    {
        408 => new ProviderFailedException(TryFailure.TimedOut, status, cause),
        429 => new ProviderFailedException(TryFailure.RateLimited, status, cause),
        >= 500 => new ProviderFailedException(TryFailure.ServerError, status, cause),
        >= 400 => new ProviderRefusedException(status, Detail(provider, cause.Message), cause),
        _ => new ProviderFailedException(TryFailure.Malformed, status, cause),
    };

    // The first line names the error; what follows may repeat the question.
    private static string Detail(ModelProvider provider, string message)
    {
        var line = provider.Redact(message.Split('\n', 2)[0].Trim());
        return line.Length > DetailLengthMax ? line[..DetailLengthMax] : line;
    }
}
