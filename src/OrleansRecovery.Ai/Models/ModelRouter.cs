using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.AI;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Models;

/// <summary>
/// Asks the providers of a tier in their order, until one answers. The next one is asked after a time-out, a rate limit, an error of the server, a broken connection,
/// something that is no answer, or while a circuit is open; not when a provider refuses the question itself. Knows nothing of agents: <see cref="ModelExtensions"/> makes
/// an action of it.
/// </summary>
public sealed class ModelRouter
{
    private const long TokensPerMessage = 8;
    private const long TokensMax = 1L << 40; // more than that nobody used

    private readonly ModelOptions _options;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<ModelProvider, ProviderCircuit> _circuits = new();

    /// <summary>A router over its options.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: an option is out of range, or a tier has no provider or one twice.</exception>
    public ModelRouter(ModelOptions options, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _time) = (options, time ?? TimeProvider.System);
        Check(options.Tiers.Count > 0, "no tier has a provider");
        foreach (var (tier, providers) in options.Tiers)
        {
            Check(providers.Count > 0, $"the tier {tier} has no provider");
            Check(providers.Select(provider => provider.Name).Distinct(StringComparer.Ordinal).Count() == providers.Count, $"the tier {tier} has a provider twice");
        }

        foreach (var (name, timeout) in options.TimeoutsMilliseconds.Append(new("default", options.DefaultTimeoutMilliseconds)).Append(new("total", options.TotalTimeoutMilliseconds)))
        {
            Check(timeout is >= 1 and <= 3_600_000, $"the time-out '{name}' is {timeout} ms");
        }

        Check(options.FailureCountMax is >= 1 and <= 1_000, $"the failure count is {options.FailureCountMax}");
        Check(options.BytesPerToken is >= 1 and <= 16, $"{options.BytesPerToken} bytes for a token");
    }

    /// <summary>What a question is charged beforehand: what it says, by its length, and all that the model may write, at the dearest provider's price.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: the tier has no provider, or the request is out of range.</exception>
    public Charge EstimateOf(ModelRequest request)
    {
        var input = InputTokensOf(request);
        return new Charge(1, input + request.MaxOutputTokens, ProvidersOf(request).Max(provider => provider.Price.CostOf(input, request.MaxOutputTokens)));
    }

    /// <summary>Asks.</summary>
    /// <param name="action">Under which name it is recorded.</param>
    /// <param name="request">The question.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ActionFailedException">Nobody answered, or a provider refused the question; the reason begins with the error's number.</exception>
    public async Task<ModelAnswer> AskAsync(string action, ModelRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var began = _time.GetTimestamp();
        var tries = new List<FailedTry>();
        foreach (var provider in ProvidersOf(request))
        {
            if (!CircuitOf(provider).MayTry(Now))
            {
                tries.Add(new FailedTry(provider.Name, TryFailure.CircuitOpen, null, 0, 0));
                continue;
            }

            try
            {
                var answer = await TryAsync(provider, request, LeftOf(request, began), cancellationToken);
                CircuitOf(provider).Answered();
                return answer with { FailedTries = tries, ElapsedMilliseconds = (long)_time.GetElapsedTime(began).TotalMilliseconds };
            }
            catch (ProviderRefusedException refused)
            {
                CircuitOf(provider).Answered(); // it is there, and well
                throw Failed(action, RefusedBy(provider, refused), tries);
            }
            catch (ProviderFailedException failed)
            {
                CircuitOf(provider).Failed(Now);
                tries.Add(Charged(provider, request, failed));
            }
        }

        throw Failed(action, UnavailableError(request, tries), tries);
    }

    /// <summary>Asks every provider one short question, as a check before agents rely on it: who does not answer, and why.</summary>
    public async Task<IReadOnlyList<FailedTry>> CheckAsync(CancellationToken cancellationToken = default)
    {
        var faults = new List<FailedTry>();
        var question = new ModelRequest { Messages = [ModelMessage.User("Answer with the word yes.")], MaxOutputTokens = 16 };
        foreach (var provider in _options.Tiers.Values.SelectMany(providers => providers).DistinctBy(provider => (provider.Name, provider.Model)))
        {
            try
            {
                _ = await TryAsync(provider, question, TimeSpan.FromMilliseconds(_options.DefaultTimeoutMilliseconds), cancellationToken);
            }
            catch (ProviderRefusedException refused)
            {
                faults.Add(new FailedTry(provider.Name, TryFailure.Refused, refused.Status, 0, 0));
            }
            catch (ProviderFailedException failed)
            {
                faults.Add(new FailedTry(provider.Name, failed.Failure, failed.Status, 0, 0));
            }
        }

        return faults;
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private ProviderCircuit CircuitOf(ModelProvider provider) => _circuits.GetOrAdd(provider, _ => new ProviderCircuit(_options.FailureCountMax));

    private IReadOnlyList<ModelProvider> ProvidersOf(ModelRequest request)
    {
        Check(request.MaxOutputTokens is >= 1 and <= 1_000_000, $"a request wants {request.MaxOutputTokens} tokens at most");
        Check(_options.Tiers.ContainsKey(request.Tier), $"the tier {request.Tier} has no provider");
        return _options.Tiers[request.Tier];
    }

    // Of all the time that there is; at least a moment, so that a try that comes too late is one that timed out.
    private TimeSpan LeftOf(ModelRequest request, long began)
    {
        var one = TimeSpan.FromMilliseconds(_options.TimeoutsMilliseconds.GetValueOrDefault(request.TaskClass, _options.DefaultTimeoutMilliseconds));
        var all = TimeSpan.FromMilliseconds(_options.TotalTimeoutMilliseconds) - _time.GetElapsedTime(began);
        var task = request.Deadline is { } deadline ? deadline - _time.GetUtcNow() : TimeSpan.MaxValue;
        var left = new[] { one, all, task }.Min();
        return left < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : left;
    }

    private async Task<ModelAnswer> TryAsync(ModelProvider provider, ModelRequest request, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        ChatResponse response;
        try
        {
            response = await provider.Client.GetResponseAsync(ChatForm.MessagesOf(request), ChatForm.OptionsOf(request, provider.Model), either.Token).WaitAsync(either.Token);
        }
#pragma warning disable CA1031 // Whatever a client throws is a failure of its provider; what kind, ProviderFailures says.
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            throw ProviderFailures.Of(provider, failure, late.IsCancellationRequested);
        }

        return Read(provider, request, response);
    }

    private ModelAnswer Read(ModelProvider provider, ModelRequest request, ChatResponse response)
    {
        var (text, calls) = ChatForm.Read(provider, response);
        if (text.Length == 0 && calls.Count == 0 && response.FinishReason is not { } reason)
        {
            throw new ProviderFailedException(TryFailure.Malformed, null);
        }

        var usage = response.Usage;
        var isSaid = usage is { InputTokenCount: >= 0 and <= TokensMax, OutputTokenCount: >= 0 and <= TokensMax };
        var (input, output) = isSaid
            ? (usage!.InputTokenCount!.Value, usage.OutputTokenCount!.Value)
            : (InputTokensOf(request), TokensOf(text) + calls.Sum(call => TokensOf(call.Arguments.GetRawText())));
        return new ModelAnswer
        {
            Text = text,
            ToolCalls = calls,
            FinishReason = response.FinishReason?.Value ?? "unknown",
            Provider = provider.Name,
            Model = provider.Redact(response.ModelId ?? provider.Model ?? ""),
            Tier = request.Tier,
            RequestDigest = request.Digest,
            InputTokens = input,
            OutputTokens = output,
            IsUsageEstimated = !isSaid,
            Cost = provider.Price.CostOf(input, output),
        };
    }

    private FailedTry Charged(ModelProvider provider, ModelRequest request, ProviderFailedException failed)
    {
        var mayBeBilled = failed.Failure is TryFailure.TimedOut or TryFailure.Malformed;
        var (input, output) = mayBeBilled ? (InputTokensOf(request), request.MaxOutputTokens) : (0, 0);
        return new FailedTry(provider.Name, failed.Failure, failed.Status, input + output, provider.Price.CostOf(input, output));
    }

    private long InputTokensOf(ModelRequest request) =>
        request.Messages.Sum(message => TokensPerMessage + TokensOf(message.Text) + message.ToolCalls.Sum(call => TokensPerMessage + TokensOf(call.Arguments.GetRawText())))
        + request.Tools.Sum(tool => TokensPerMessage + TokensOf(tool.Description) + TokensOf(tool.Schema.GetRawText()));

    private long TokensOf(string text) => (Encoding.UTF8.GetByteCount(text) + _options.BytesPerToken - 1) / _options.BytesPerToken;

    private static ActionFailedException Failed(string action, RecoveryError error, IReadOnlyList<FailedTry> tries) =>
        new(action, error.ToString()) { Spent = ModelAnswer.SpentOn(tries) };

    private static RecoveryError UnavailableError(ModelRequest request, IReadOnlyList<FailedTry> tries) => new(
        RecoveryErrorCode.ModelUnavailable,
        $"No provider of the tier {request.Tier} answered ({string.Join("; ", tries)}).",
        "The agent has no answer, and was charged what may have been billed.",
        "Ask again later, escalate to another tier, or give the tier one more provider.");

    private static RecoveryError RefusedBy(ModelProvider provider, ProviderRefusedException refused) => new(
        RecoveryErrorCode.ModelRefused,
        $"The provider {provider} refuses the question with status {refused.Status}{(refused.Detail.Length > 0 ? $" ({provider.Redact(refused.Detail)})" : "")}.",
        "No other provider was asked, and nothing was charged but the call.",
        "Compare the model's name, the key and the size of the question with what the provider takes.");

    private static void Check(bool holds, string fault)
    {
        if (!holds)
        {
            throw RecoveryException.Of(RecoveryErrorCode.BadConfiguration, $"The settings of models cannot be used: {fault}.", "No model was asked.", "See docs/models.md, and correct the settings or the request.");
        }
    }
}
