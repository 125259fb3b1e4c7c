using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Orleans.Serialization;

/// <summary>A <see cref="RecoveryException"/> as it crosses from grain to grain.</summary>
/// <param name="Error">What it says.</param>
[GenerateSerializer]
[Alias("recovery.refused")]
[Immutable]
public readonly record struct RefusedCall([property: Id(0)] Json<RecoveryError> Error);

/// <summary>A <see cref="DeclinedException"/> as it crosses from grain to grain.</summary>
/// <param name="Code">Why, for programs.</param>
/// <param name="Reason">Why, for people.</param>
[GenerateSerializer]
[Alias("recovery.declined")]
[Immutable]
public readonly record struct DeclinedCall([property: Id(0)] string Code, [property: Id(1)] string Reason);

[RegisterConverter]
internal sealed class RecoveryExceptionConverter : IConverter<RecoveryException, RefusedCall>
{
    public RecoveryException ConvertFromSurrogate(in RefusedCall surrogate) => new(surrogate.Error.Value());

    public RefusedCall ConvertToSurrogate(in RecoveryException value) => new(WireJson.Of(value.Error));
}

[RegisterConverter]
internal sealed class DeclinedExceptionConverter : IConverter<DeclinedException, DeclinedCall>
{
    public DeclinedException ConvertFromSurrogate(in DeclinedCall surrogate) => new(surrogate.Code, surrogate.Reason);

    public DeclinedCall ConvertToSurrogate(in DeclinedException value) => new(value.Code, value.Message);
}
