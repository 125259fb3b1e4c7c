using System.Net.Http.Json;
using System.Net.Security;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Http.Problems;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cli.Administration;

/// <summary>A tenant behind a server: of <c>recovery serve</c>, or of a silo.</summary>
internal sealed class ServerAdministration : ITenantAdministration
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly HttpClient _http;
    private readonly TenantId _tenant;

    /// <summary>Administers it there.</summary>
    /// <param name="server">Where the server is.</param>
    /// <param name="tenant">Which tenant.</param>
    /// <param name="tls">How both ends prove themselves, or null.</param>
    internal ServerAdministration(Uri server, TenantId tenant, SslClientAuthenticationOptions? tls)
    {
        _tenant = tenant;
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        if (tls is not null)
        {
            handler.SslOptions = tls;
        }

        _http = new HttpClient(handler) { BaseAddress = new Uri(server, $"/v1/tenants/{Uri.EscapeDataString(tenant.Text)}/"), Timeout = TimeSpan.FromMinutes(2) };
    }

    /// <inheritdoc/>
    public async Task<IssuerKeys> KeysAsync(CancellationToken cancellationToken)
    {
        var keys = IssuerKeys.None;
        foreach (var key in (await ReadAsync<Page<IssuerKey>>("keys", cancellationToken)).Items)
        {
            keys = keys.With(IssuerKeyChange.Add(key.Issuer, key.Key, 0, key.Issuer, "given"));
            keys = key.Status switch
            {
                IssuerKeyStatus.Active => keys,
                IssuerKeyStatus.Retired => keys.With(IssuerKeyChange.Retire(key, key.Until!.Value, 0, key.Issuer, "retired")),
                IssuerKeyStatus.Revoked => keys.With(IssuerKeyChange.Revoke(key, 0, key.Issuer, "revoked")),
            };
        }

        return keys;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<IssuerStatus>> IssuersAsync(CancellationToken cancellationToken) => (await ReadAsync<Page<IssuerStatus>>("issuers", cancellationToken)).Items;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<ObjectiveReport>> ObjectivesAsync(string? objectives, CancellationToken cancellationToken) => objectives is null
        ? (await ReadAsync<Page<ObjectiveReport>>("objectives", cancellationToken)).Items
        : throw RecoveryException.Of(
            RecoveryErrorCode.BadConfiguration, "A server has objectives of its own.", "Nothing was judged.", "Leave out --objectives here, and start the server with it.");

    /// <inheritdoc/>
    public async Task<IReadOnlyList<IssuerKey>> ChangeAsync(Func<IssuerKeys, IReadOnlyList<IssuerKeyChange>> make, CancellationToken cancellationToken)
    {
        var changed = new List<IssuerKey>();
        foreach (var change in make(await KeysAsync(cancellationToken)))
        {
            var (path, content) = RequestOf(change);
            using var answer = await SendAsync(HttpMethod.Put, $"keys/{change.Key.Text}{path}", content, cancellationToken);
            changed.Add((await answer.Content.ReadFromJsonAsync<IssuerKey>(Options, cancellationToken))!);
        }

        return changed;
    }

    /// <inheritdoc/>
    public async Task ReinstateAsync(IssuerId issuer, IssuerId by, string reason, CancellationToken cancellationToken) =>
        (await SendAsync(HttpMethod.Post, $"issuers/{Uri.EscapeDataString(issuer.Text)}/reinstatements", new { by, reason }, cancellationToken)).Dispose();

    /// <inheritdoc/>
    public Task<KnownCapabilities> CapabilitiesAsync(CancellationToken cancellationToken) => ReadAsync<KnownCapabilities>("capabilities", cancellationToken);

    /// <inheritdoc/>
    public async Task ChangeAsync(CapabilityChange change, CancellationToken cancellationToken)
    {
        var (path, content) = RequestOf(change);
        (await SendAsync(HttpMethod.Put, path, content, cancellationToken)).Dispose();
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<CapabilityUse>> UsesAsync(CapabilityId capability, CancellationToken cancellationToken) =>
        (await ReadAsync<Page<CapabilityUse>>($"capabilities/{PathOf(capability)}/uses", cancellationToken)).Items;

    /// <inheritdoc/>
    public async Task SignalAsync(Func<TenantId, FailureSignal> make, Func<AddressedMessage, byte[]>? sign, string reason, CancellationToken cancellationToken)
    {
        var signal = make(_tenant);
        var message = new AddressedMessage(new ExecutionAddress(_tenant, signal.Execution), signal);
        var content = new ByteArrayContent(sign?.Invoke(message) ?? MessageCodec.Write(message))
        {
            Headers = { ContentType = new(sign is null ? "application/agent-recovery+json" : $"application/{SignedMessage.Type}") },
        };
        (await SendAsync(HttpMethod.Post, $"executions/{Uri.EscapeDataString(signal.Execution.Text)}/messages", content, cancellationToken)).Dispose();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private static (string Path, object Content) RequestOf(CapabilityChange change)
    {
        var path = change.Capability is { } capability ? $"capabilities/{PathOf(capability)}" : "trusted-builders";
        return change.Change switch
        {
            CapabilityChangeKind.Registered => (path, new { change.Evidence!.Envelope, change.Evidence.Bom, change.By, change.Reason }),
            CapabilityChangeKind.Verified => ($"{path}/verified", new { change.By, change.Reason }),
            CapabilityChangeKind.Activated => ($"{path}/activated", new { change.By, change.Reason }),
            CapabilityChangeKind.Revoked => ($"{path}/revoked", new { change.By, change.Reason }),
            CapabilityChangeKind.Trusted => (path, new { change.Builder!.Signer, change.Builder.Builder, IsTrusted = true, change.By, change.Reason }),
            CapabilityChangeKind.Distrusted => (path, new { change.Builder!.Signer, change.Builder.Builder, IsTrusted = false, change.By, change.Reason }),
        };
    }

    private static string PathOf(CapabilityId capability) => $"{Uri.EscapeDataString(capability.Name.Text)}/{capability.Digest}";

    private static (string Path, object Content) RequestOf(IssuerKeyChange change) => change.Change switch
    {
        IssuerKeyChangeKind.Added => (string.Empty, new { change.Issuer, change.PublicKey, change.By, change.Reason }),
        IssuerKeyChangeKind.Retired => ("/retired", new { change.Until, change.By, change.Reason }),
        IssuerKeyChangeKind.Revoked => ("/revoked", new { change.By, change.Reason }),
    };

    private async Task<T> ReadAsync<T>(string path, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        return (await answer.Content.ReadFromJsonAsync<T>(Options, cancellationToken))!;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path);
        if (content is not null)
        {
            request.Content = content as HttpContent ?? new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(content, Options)) { Headers = { ContentType = new("application/json") } };
        }

        try
        {
            var answer = await _http.SendAsync(request, cancellationToken);
            if (answer.IsSuccessStatusCode)
            {
                return answer;
            }

            using (answer)
            {
                throw await RefusalAsync(answer, cancellationToken);
            }
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException || (unreachable is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.StorageUnavailable,
                $"The server at {_http.BaseAddress!.GetLeftPart(UriPartial.Authority)} does not answer: {unreachable.Message}",
                "Whether anything was changed is not known.",
                "Start the server, or name another one with --server; then repeat the command: what was done already is not done again.",
                unreachable);
        }
    }

    // What the server says of it, as if it had been said here.
    private static async Task<RecoveryException> RefusalAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            if (await answer.Content.ReadFromJsonAsync<RecoveryProblem>(Options, cancellationToken) is { } problem && Enum.TryParse<RecoveryErrorCode>(problem.Title, out var code))
            {
                return RecoveryException.Of(code, problem.Detail, problem.Impact, problem.NextStep);
            }
        }
        catch (JsonException)
        {
            // It is no server of this product.
        }

        return RecoveryException.Of(
            RecoveryErrorCode.BadConfiguration, $"The server answers with {(int)answer.StatusCode} and no reason.", "Nothing was changed.", "Name a server of this version with --server.");
    }

    private sealed record Page<T>(IReadOnlyList<T> Items);
}
