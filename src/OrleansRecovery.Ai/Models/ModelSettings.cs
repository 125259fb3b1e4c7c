using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using OpenAI;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Models;

/// <summary>An endpoint that speaks OpenAI's chat completions.</summary>
/// <param name="Endpoint">Its address, as <c>https://api.example.org/v1</c>; without a user or a key in it.</param>
/// <param name="KeyVariable">The environment variable that has the key; null: the endpoint wants none.</param>
public sealed record ProviderSettings(Uri Endpoint, string? KeyVariable = null);

/// <summary>A model at a provider.</summary>
/// <param name="Provider">The provider's name in the settings.</param>
/// <param name="Model">The model's name there.</param>
/// <param name="InputPrice">A million tokens that it reads, in millionths of the unit of costs.</param>
/// <param name="OutputPrice">A million tokens that it writes.</param>
public sealed record ModelChoice(string Provider, string Model, long InputPrice = 0, long OutputPrice = 0);

/// <summary>Providers, tiers and times, as a file has them. Keys stand in the environment, and nowhere else.</summary>
public sealed record ModelSettings
{
    private static readonly JsonSerializerOptions Strict = new(AgentJson.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>By name.</summary>
    public required IReadOnlyDictionary<string, ProviderSettings> Providers { get; init; }

    /// <summary>Who is asked, in order.</summary>
    public required IReadOnlyDictionary<ModelTier, IReadOnlyList<ModelChoice>> Tiers { get; init; }

    /// <summary>How long one provider may take, by class of task, in milliseconds.</summary>
    public IReadOnlyDictionary<string, int> TimeoutsMilliseconds { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>See <see cref="ModelOptions.DefaultTimeoutMilliseconds"/>.</summary>
    public int DefaultTimeoutMilliseconds { get; init; } = 10_000;

    /// <summary>See <see cref="ModelOptions.TotalTimeoutMilliseconds"/>.</summary>
    public int TotalTimeoutMilliseconds { get; init; } = 25_000;

    /// <summary>Reads settings; a member that is not known is refused.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>.</exception>
    public static ModelSettings Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<ModelSettings>(json, Strict) ?? throw new JsonException("It is null.");
        }
        catch (Exception unreadable) when (unreadable is JsonException or ArgumentException or FormatException)
        {
            throw Bad($"They are not what they must be: {unreadable.Message}");
        }
    }

    /// <summary>The router that they describe.</summary>
    /// <param name="variable">The value of an environment variable; null: the process's own.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: a provider or a key is not there, or an address has a key in it.</exception>
    public ModelRouter ToRouter(Func<string, string?>? variable = null, TimeProvider? time = null) => new(
        new ModelOptions
        {
            Tiers = Tiers.ToDictionary(
                tier => tier.Key, tier => (IReadOnlyList<ModelProvider>)[.. tier.Value.Select(choice => ProviderOf(choice, variable ?? Environment.GetEnvironmentVariable))]),
            TimeoutsMilliseconds = TimeoutsMilliseconds,
            DefaultTimeoutMilliseconds = DefaultTimeoutMilliseconds,
            TotalTimeoutMilliseconds = TotalTimeoutMilliseconds,
        },
        time);

    private ModelProvider ProviderOf(ModelChoice choice, Func<string, string?> variable)
    {
        var settings = Providers.GetValueOrDefault(choice.Provider) ?? throw Bad($"A tier names the provider {choice.Provider}, which is not there.");
        if (!settings.Endpoint.IsAbsoluteUri || settings.Endpoint.Scheme is not ("http" or "https"))
        {
            throw Bad($"The endpoint of {choice.Provider} is no address that begins with http or https.");
        }

        if (settings.Endpoint.UserInfo.Length > 0 || settings.Endpoint.Query.Length > 0)
        {
            throw Bad($"The endpoint of {choice.Provider} has a user or a query in it, where keys are easily shown.");
        }

        var key = settings.KeyVariable is { } name ? variable(name) is { Length: > 0 } value ? value : throw Bad($"The variable {name}, which is to have the key of {choice.Provider}, is not set.") : null;
        return new ModelProvider(choice.Provider, ClientOf(settings.Endpoint, choice.Model, key), choice.Model, new ModelPrice(choice.InputPrice, choice.OutputPrice), key);
    }

    // Without its own retries and time-outs: both are the router's.
    private static IChatClient ClientOf(Uri endpoint, string model, string? key) => new OpenAIClient(
        new ApiKeyCredential(key ?? "none"),
        new OpenAIClientOptions { Endpoint = endpoint, RetryPolicy = new ClientRetryPolicy(maxRetries: 0), NetworkTimeout = TimeSpan.FromHours(1) })
        .GetChatClient(model).AsIChatClient();

    private static RecoveryException Bad(string cause) => RecoveryException.Of(
        RecoveryErrorCode.BadConfiguration, $"The settings of models cannot be used. {cause}", "No model was asked.", "See docs/models.md, and correct the settings.");
}
