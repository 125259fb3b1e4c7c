using Orleans.Concurrency;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Cluster.Tests.Typed;

/// <summary>What cannot become a message is refused when its class is registered.</summary>
public sealed class RegistrationTests
{
    public static TheoryData<string, RecoveryErrorCode, Action<AgentRecoveryOptions>> Refused => new()
    {
        { "IStreamingGrain.ReadAsync cannot become a message: it returns IAsyncEnumerable", RecoveryErrorCode.UnsupportedMethod, options => options.AddGrain<StreamingGrain>() },
        { "IOneWayGrain.TellAsync cannot become a message: it is one-way", RecoveryErrorCode.UnsupportedMethod, options => options.AddGrain<OneWayGrain>() },
        { "IGenericGrain.AskAsync cannot become a message: it is generic", RecoveryErrorCode.UnsupportedMethod, options => options.AddGrain<GenericGrain>() },
        { "IReferringGrain.VisitAsync cannot become a message: its parameter desk", RecoveryErrorCode.UnsupportedMethod, options => options.AddGrain<ReferringGrain>() },
        { "ICancelledGrain.WorkAsync cannot become a message: its parameter token", RecoveryErrorCode.UnsupportedMethod, options => options.AddGrain<CancelledGrain>() },
        { "UnwritableGrain uses Ticket", RecoveryErrorCode.NotSerializable, options => options.AddGrain<UnwritableGrain>() },
        { "TwiceGrain declares the handler for ITwiceGrain.SayAsync twice", RecoveryErrorCode.AgentNotRegistered, options => options.AddGrain<TwiceGrain>() },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_method_that_no_journal_could_keep_is_named(string cause, RecoveryErrorCode code, Action<AgentRecoveryOptions> register)
    {
        var refused = Assert.Throws<RecoveryException>(() => register(new AgentRecoveryOptions()));
        Assert.Equal(code, refused.Error.Code);
        Assert.Contains(cause, refused.Error.Cause, StringComparison.Ordinal);
    }
}

public interface IStreamingGrain : IRecoverableGrain
{
    IAsyncEnumerable<int> ReadAsync();
}

public interface IOneWayGrain : IRecoverableGrain
{
    [OneWay]
    Task TellAsync(string text);
}

public interface IGenericGrain : IRecoverableGrain
{
    Task<T> AskAsync<T>(T question);
}

public interface IReferringGrain : IRecoverableGrain
{
    Task VisitAsync(IDeskGrain desk);
}

public interface ICancelledGrain : IRecoverableGrain
{
    Task WorkAsync(GrainCancellationToken token);
}

[GenerateSerializer]
public sealed class Ticket
{
    private Ticket()
    {
    }

    public static Ticket New() => new();
}

public interface IUnwritableGrain : IRecoverableGrain
{
    Task UseAsync(Ticket ticket);
}

public interface ITwiceGrain : IRecoverableGrain
{
    Task SayAsync(string text);

    Task SayAsync(int number);
}

public sealed class StreamingGrain : RecoverableGrain<TripNotes>, IStreamingGrain
{
    public async IAsyncEnumerable<int> ReadAsync()
    {
        await Task.Yield();
        yield return 1;
    }
}

public sealed class OneWayGrain : RecoverableGrain<TripNotes>, IOneWayGrain
{
    public Task TellAsync(string text) => Task.CompletedTask;
}

public sealed class GenericGrain : RecoverableGrain<TripNotes>, IGenericGrain
{
    public Task<T> AskAsync<T>(T question) => Task.FromResult(question);
}

public sealed class ReferringGrain : RecoverableGrain<TripNotes>, IReferringGrain
{
    public Task VisitAsync(IDeskGrain desk) => Task.CompletedTask;
}

public sealed class CancelledGrain : RecoverableGrain<TripNotes>, ICancelledGrain
{
    public Task WorkAsync(GrainCancellationToken token) => Task.CompletedTask;
}

public sealed class UnwritableGrain : RecoverableGrain<TripNotes>, IUnwritableGrain
{
    public Task UseAsync(Ticket ticket) => Task.CompletedTask;
}

public sealed class TwiceGrain : RecoverableGrain<TripNotes>, ITwiceGrain
{
    public Task SayAsync(string text) => Task.CompletedTask;

    public Task SayAsync(int number) => Task.CompletedTask;
}
