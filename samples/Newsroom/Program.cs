using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Samples.Newsroom;
using OrleansRecovery.Storage;

// Without options it runs offline. --endpoint URL --model NAME asks a server that speaks OpenAI's chat completions; the key is in OPENAI_API_KEY, or in --key-variable NAME.
var options = args.Chunk(2).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
var known = new[] { "--endpoint", "--model", "--key-variable", "--topic" };
if (args.Length % 2 != 0 || options.Keys.Except(known).Any() || options.ContainsKey("--endpoint") != options.ContainsKey("--model")
    || (options.TryGetValue("--endpoint", out var address) && !Uri.TryCreate(address, UriKind.Absolute, out _)))
{
    Console.Error.WriteLine("Newsroom [--endpoint URL --model NAME [--key-variable VARIABLE]] [--topic TEXT]");
    return 2;
}

var folder = Directory.CreateTempSubdirectory("newsroom-").FullName;
await using var journal = await Journals.OpenSqliteAsync(Path.Combine(folder, "newsroom.db"));
try
{
    var models = options.TryGetValue("--endpoint", out var endpoint)
        ? Production.At(new Uri(endpoint), options["--model"], options.GetValueOrDefault("--key-variable") ?? (Environment.GetEnvironmentVariable("OPENAI_API_KEY") is null ? null : "OPENAI_API_KEY"))
        : Production.Scripted();
    if (endpoint is not null && await models.CheckAsync() is { Count: > 0 } faults)
    {
        Console.Error.WriteLine($"The model does not answer: {string.Join(", ", faults)}. Nothing was started. Compare the endpoint, the model's name and the key.");
        return 1;
    }

    await Production.RunAsync(journal, models, options.GetValueOrDefault("--topic", "The height of Mont Blanc"), Console.WriteLine);
    return 0;
}
catch (RecoveryException refused)
{
    Console.Error.WriteLine(refused.Error);
    return 1;
}
