namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>A host with HTTP, whichever it is. Where no others are given it has the classes <c>silent</c> and <c>echo</c> (<see cref="TestAgents"/>).</summary>
internal interface ITestHost : IAsyncDisposable
{
    /// <summary>A client of an execution of this test's own.</summary>
    ApiClient Client { get; }

    /// <summary>Where it is reached: by several addresses where it is several processes.</summary>
    IReadOnlyList<Uri> Addresses { get; }

    /// <summary>Called with an agent and the text of a record of it that is durable, before whoever wrote it hears of it; perhaps again later.</summary>
    Action<string, string> OnRecord { get; set; }

    /// <summary>Ends what it has in memory, and starts again from what is durable.</summary>
    Task RestartAsync();
}
