using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Streams;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>Settings of a client of the cluster.</summary>
public sealed class RecoveryClientOptions
{
    /// <summary>The name of the stream provider by which recoveries are followed, as on the silos; null: they are asked for. Default: null.</summary>
    public string? FailureStreams { get; set; }
}

/// <summary>Refuses settings when the client starts. Every message names the setting.</summary>
internal sealed class RecoveryClientOptionsValidator(IServiceProviderIsKeyedService services) : IValidateOptions<RecoveryClientOptions>
{
    public ValidateOptionsResult Validate(string? name, RecoveryClientOptions options) =>
        FaultOf(services, options.FailureStreams) is { } unknown ? ValidateOptionsResult.Fail(unknown) : ValidateOptionsResult.Success;

    internal static string? FaultOf(IServiceProviderIsKeyedService services, string? name) =>
        name is null || (name.Length > 0 && services.IsKeyedService(typeof(IStreamProvider), name)) ? null
        : $"{nameof(RecoveryClientOptions.FailureStreams)} is '{name}', and there is no stream provider of that name: nothing could be told on it. Add it, for example with AddMemoryFailureStreams, or leave the setting out.";
}
