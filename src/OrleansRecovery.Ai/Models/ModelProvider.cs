using Microsoft.Extensions.AI;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Ai.Models;

/// <summary>How capable, and how dear, a model is. An agent begins with the small one, and escalates by a decision of its own.</summary>
public enum ModelTier
{
    /// <summary>The first choice.</summary>
    Small,

    /// <summary>Where the small one does not suffice.</summary>
    Standard,

    /// <summary>The dearest.</summary>
    Strong,
}

/// <summary>What a million tokens cost, in millionths of the unit that the execution's owner reckons in, as <see cref="Charge.Cost"/> is.</summary>
/// <param name="Input">A million tokens that the model reads.</param>
/// <param name="Output">A million tokens that it writes.</param>
public readonly record struct ModelPrice(long Input, long Output)
{
    /// <summary>What so many tokens cost, rounded up; at most <see cref="Charge.AmountMax"/>.</summary>
    public long CostOf(long inputTokens, long outputTokens)
    {
        var exact = ((Int128)inputTokens * Input) + ((Int128)outputTokens * Output);
        return (long)Int128.Min((exact + 999_999) / 1_000_000, Charge.AmountMax);
    }
}

/// <summary>One way to a model: a client, the model's name there, and its price. Shows its key to nobody.</summary>
public sealed class ModelProvider
{
    /// <summary>Names it.</summary>
    /// <param name="name">What journals call it; not its address.</param>
    /// <param name="client">Who asks it. It must not retry by itself: what is tried again is the router's to decide.</param>
    /// <param name="model">The model's name at the provider; null: the client knows.</param>
    /// <param name="price">What its tokens cost.</param>
    /// <param name="secret">Its key, if it has one: wherever the provider repeats it, it is blacked out.</param>
    /// <exception cref="RecoveryException"><c>InvalidName</c>, or <c>BadConfiguration</c>: the price is out of range.</exception>
    public ModelProvider(string name, IChatClient client, string? model = null, ModelPrice price = default, string? secret = null)
    {
        if (!TermText.TryValidate("provider's name", name, out var error))
        {
            throw new RecoveryException(error);
        }

        if (price.Input is < 0 or > Charge.AmountMax || price.Output is < 0 or > Charge.AmountMax)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The price of the provider {name} is out of range.", "No model was asked.", $"Give prices from 0 to {Charge.AmountMax} millionths for a million tokens.");
        }

        ArgumentNullException.ThrowIfNull(client);
        (Name, Client, Model, Price, Secret) = (name, client, model, price, string.IsNullOrEmpty(secret) ? null : secret);
    }

    /// <summary>What journals call it.</summary>
    public string Name { get; }

    /// <summary>The model's name at the provider.</summary>
    public string? Model { get; }

    /// <summary>What its tokens cost.</summary>
    public ModelPrice Price { get; }

    internal IChatClient Client { get; }

    private string? Secret { get; }

    /// <inheritdoc/>
    public override string ToString() => Model is null ? Name : $"{Name} ({Model})";

    /// <summary>The text without the key.</summary>
    internal string Redact(string text) => Secret is null ? text : text.Replace(Secret, "[secret]", StringComparison.Ordinal);
}
