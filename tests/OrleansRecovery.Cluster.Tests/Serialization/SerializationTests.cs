using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Storage;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Orleans.Streaming;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cluster.Tests.Serialization;

/// <summary>
/// What crosses grains has generated serialisers with stable ids, and is read whichever version wrote it. The files golden-*.txt hold what a version wrote, by
/// Orleans' serialiser and by that of its grain storage; they are kept for ever. UPDATE_GENERATED=1 adds what is in none yet.
/// </summary>
public sealed class SerializationTests
{
    private static readonly Assembly Ours = typeof(IAgentGrain).Assembly;
    private static readonly string Version = Ours.GetName().Version!.ToString(3);

    private readonly ServiceProvider _services = new ServiceCollection()
        .AddSerializer(serializer => serializer.AddAssembly(Ours)).AddSingleton<OrleansJsonSerializer>().AddOptions().BuildServiceProvider();

    public static TheoryData<string, string, string> Golden
    {
        get
        {
            var lines = new TheoryData<string, string, string>();
            foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Serialization"), "golden-*.txt").Order(StringComparer.Ordinal))
            {
                foreach (var line in File.ReadAllLines(file).Where(line => !line.StartsWith('#')))
                {
                    lines.Add(Path.GetFileNameWithoutExtension(file), line.Split(' ')[0], line.Split(' ')[1]);
                }
            }

            return lines;
        }
    }

    [Theory]
    [MemberData(nameof(Golden))]
    public void What_an_earlier_version_wrote_is_read(string version, string name, string base64)
    {
        Assert.StartsWith("golden-", version, StringComparison.Ordinal);
        var bytes = Convert.FromBase64String(base64);
        var isStored = name.EndsWith("@storage", StringComparison.Ordinal);
        var sample = WireSamples.All[name.Split('@')[0]];
        var read = isStored ? ReadStored(bytes, sample.GetType()) : ReadSent(bytes, sample.GetType());
        Assert.Equal(sample.GetType(), read.GetType());
        Assert.Equal(TextOf(sample), TextOf(read));
    }

    [Fact]
    public void Everything_that_crosses_grains_is_in_a_file()
    {
        var known = Golden.Select(row => (string)row[1]).ToHashSet(StringComparer.Ordinal);
        var missing = new List<string>();
        foreach (var (name, sample) in WireSamples.All)
        {
            missing.AddRange(known.Contains(name) ? [] : [$"{name} {Convert.ToBase64String(Sent(sample))}"]);
            if (sample is JournalSegment or StreamHint or JournalBlob && !known.Contains($"{name}@storage"))
            {
                missing.Add($"{name}@storage {Convert.ToBase64String(Stored(sample))}");
            }
        }

        if (missing.Count > 0 && Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1")
        {
            File.AppendAllLines(Path.Combine(SourceFolder(), $"golden-{Version}.txt"), missing);
        }

        Assert.Empty(missing);
        Assert.Empty(known.Select(name => name.Split('@')[0]).Except(WireSamples.All.Keys, StringComparer.Ordinal));
    }

    [Fact]
    public void Members_that_a_later_version_adds_are_passed_over()
    {
        var later = new LaterSegment { Records = [new SegmentRecord { Digest = "d" }], First = 32, Owner = "somebody", Marks = { ["x"] = [1, 2] } };
        var bytes = _services.GetRequiredService<Serializer<LaterSegment>>().SerializeToArray(later);
        var read = _services.GetRequiredService<Serializer<JournalSegment>>().Deserialize(bytes)!;
        Assert.Equal((32, "d"), (read.First, read.Records.Single().Digest));
        var json = """{"version":3,"recoveries":[{"recovery":"r","phase":"preparing","done":1,"total":2,"mood":"good"}],"later":{"a":[1]}}"""u8.ToArray();
        var progress = new Json<ExecutionProgress>(json).Value();
        Assert.Equal((3, 2), (progress.Version.Number, progress.Recoveries.Single().Total));
    }

    [Fact]
    public void Members_that_an_earlier_version_did_not_have_are_empty()
    {
        var bytes = _services.GetRequiredService<Serializer<EarlierSegment>>().SerializeToArray(new EarlierSegment { First = 32 });
        var read = _services.GetRequiredService<Serializer<JournalSegment>>().Deserialize(bytes)!;
        Assert.Equal(32, read.First);
        Assert.Empty(read.Records);
        Assert.Empty(read.Snapshots);
    }

    [Fact]
    public void Every_grain_interface_method_and_type_that_crosses_has_a_name_and_ids_of_its_own()
    {
        var faults = new List<string>();
        var interfaces = Ours.GetTypes().Where(type => type.IsInterface && type.IsAssignableTo(typeof(IAddressable))).ToList();
        Assert.True(interfaces.Count >= 3, "The grain interfaces were not found.");
        foreach (var type in interfaces)
        {
            faults.AddRange(AliasOf(type) is null ? [$"{type} has no alias"] : []);
            var aliases = type.GetMethods().Select(method => (method.Name, Alias: AliasOf(method))).ToList();
            faults.AddRange(aliases.Where(method => method.Alias is null).Select(method => $"{type}.{method.Name} has no alias"));
            faults.AddRange(aliases.GroupBy(method => method.Alias).Where(group => group.Count() > 1).Select(group => $"{type}: '{group.Key}' twice"));
            faults.AddRange(type.GetMethods().SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType))
                .SelectMany(Carried).Where(carried => !IsStable(carried)).Select(carried => $"{type} carries {carried}, which has no generated serialiser"));
        }

        var generated = Ours.GetTypes().Where(type => type.GetCustomAttribute<GenerateSerializerAttribute>() is not null).ToList();
        faults.AddRange(generated.Where(type => AliasOf(type) is null).Select(type => $"{type} has no alias"));
        faults.AddRange(generated.SelectMany(IdFaults));
        Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));
        Assert.All([typeof(JournalSegment), typeof(SegmentRecord), typeof(SegmentSnapshot), typeof(StreamHint), typeof(JournalBlob)], type => Assert.Contains(type, generated));
    }

    [Fact]
    public void What_is_in_the_json_of_every_call_is_read_back()
    {
        // Every T of a Json<T> or Reply<T> in a signature can be described, so that no call fails only when it is made.
        var contents = Ours.GetTypes().Where(type => type.IsInterface && type.IsAssignableTo(typeof(IAddressable)))
            .SelectMany(type => type.GetMethods()).SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType))
            .SelectMany(Unfold).Where(type => type.IsGenericType && IsEnvelope(type)).Select(type => type.GetGenericArguments()[0]).Distinct().ToList();
        Assert.True(contents.Count > 10, "The contents were not found.");
        Assert.All(contents, content => Assert.NotNull(WireJson.Options.GetTypeInfo(content)));
    }

    private static string? AliasOf(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>()?.Alias;

    // The content of an envelope is JSON; what carries it is Orleans' to read.
    private static IEnumerable<Type> Carried(Type type) =>
        !type.IsGenericType || IsEnvelope(type) ? [type] : type.GetGenericArguments().SelectMany(Carried);

    private static IEnumerable<Type> Unfold(Type type) => type.IsGenericType ? type.GetGenericArguments().SelectMany(Unfold).Prepend(type) : [type];

    private static bool IsEnvelope(Type type) => type.GetGenericTypeDefinition() is var open && (open == typeof(Json<>) || open == typeof(Reply<>));

    private static bool IsStable(Type type) =>
        type.IsPrimitive || type == typeof(string) || type == typeof(byte[]) || type == typeof(Task)
        || (type.GetCustomAttribute<GenerateSerializerAttribute>() is not null && AliasOf(type) is not null);

    private static IEnumerable<string> IdFaults(Type type)
    {
        var members = type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(property => property.GetMethod!.GetParameters().Length == 0 && property.Name != "EqualityContract").ToList();
        var ids = members.ConvertAll(property => property.GetCustomAttribute<IdAttribute>()?.Id);
        return members.Zip(ids).Where(item => item.Second is null).Select(item => $"{type}.{item.First.Name} has no id")
            .Concat(ids.Distinct().Count() < ids.Count ? [$"{type} has an id twice"] : []);
    }

    // By the type of the parameter, as calls are.
    private object SerializerOf(Type type) => _services.GetRequiredService(typeof(Serializer<>).MakeGenericType(type));

    private byte[] Sent(object sample) => (byte[])typeof(Serializer<>).MakeGenericType(sample.GetType())
        .GetMethod(nameof(Serializer<>.SerializeToArray))!.Invoke(SerializerOf(sample.GetType()), [sample])!;

    private object ReadSent(byte[] bytes, Type type) => typeof(Serializer<>).MakeGenericType(type)
        .GetMethod(nameof(Serializer<>.Deserialize), [typeof(byte[])])!.Invoke(SerializerOf(type), [bytes])!;

    private byte[] Stored(object sample) => [.. new JsonGrainStorageSerializer(_services.GetRequiredService<OrleansJsonSerializer>()).Serialize(sample).ToArray()];

    private object ReadStored(byte[] bytes, Type type)
    {
        var serializer = new JsonGrainStorageSerializer(_services.GetRequiredService<OrleansJsonSerializer>());
        return typeof(IGrainStorageSerializer).GetMethod(nameof(IGrainStorageSerializer.Deserialize))!.MakeGenericMethod(type)
            .Invoke(serializer, [new BinaryData(bytes)])!;
    }

    // The content of an envelope as it is read today: a member that came later has its default.
    private static string TextOf(object value)
    {
        var reads = value.GetType().GetMethod(value is RecoveryNotice ? nameof(RecoveryNotice.Progress) : "Value", Type.EmptyTypes);
        try
        {
            return JsonSerializer.Serialize(reads is null ? value : reads.Invoke(value, null), WireJson.Options);
        }
        catch (TargetInvocationException refused) when (refused.InnerException is RecoveryException error)
        {
            return JsonSerializer.Serialize(error.Error, WireJson.Options);
        }
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    [GenerateSerializer]
    [Alias("test.later-segment")]
    internal sealed class LaterSegment
    {
        [Id(0)]
        public List<SegmentRecord> Records { get; set; } = [];

        [Id(2)]
        public long First { get; set; }

        [Id(7)]
        public string? Owner { get; set; }

        [Id(9)]
        public Dictionary<string, List<int>> Marks { get; set; } = [];
    }

    [GenerateSerializer]
    [Alias("test.earlier-segment")]
    internal sealed class EarlierSegment
    {
        [Id(2)]
        public long First { get; set; }
    }
}
