using OrleansRecovery.Orleans.Calls;

namespace OrleansRecovery.TestSilo;

/// <summary>A greeting, as its sender asks for it.</summary>
[GenerateSerializer]
public sealed record Greeting([property: Id(0)] string Name, [property: Id(1)] string Language);

public interface IGreeterGrain : IRecoverableGrain
{
    Task<string> GreetAsync(Greeting greeting);
}

public interface IDictionaryGrain : IRecoverableGrain
{
    Task<string> LookUpAsync(string language);
}

public sealed record Greeted
{
    public int Count { get; init; }
}

/// <summary>Typed grains in an assembly that the silo knows by its path alone.</summary>
public sealed class GreeterGrain : RecoverableGrain<Greeted>, IGreeterGrain
{
    public async Task<string> GreetAsync(Greeting greeting)
    {
        var word = await GrainFactory.GetGrain<IDictionaryGrain>("dictionary").LookUpAsync(greeting.Language);
        State = new Greeted { Count = State.Count + 1 };
        return $"{word}, {greeting.Name}, {State.Count}";
    }
}

/// <summary>What it says depends on when it is asked: again after a rollback, it says something else.</summary>
public sealed class DictionaryGrain : RecoverableGrain<Greeted>, IDictionaryGrain
{
    public Task<string> LookUpAsync(string language) => Task.FromResult($"{language} word {Context.Interval.Number}");
}
