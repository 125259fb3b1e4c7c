using System.Reflection;

namespace OrleansRecovery.Repository.Tests;

/// <summary>What the compiler cannot say about the public surface.</summary>
public sealed class PublicSurfaceTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // By full name or by the start of it; analyzers find the use of such a type, but not its place in a signature.
    private static readonly string[] Impure =
    [
        "System.Threading.",
        "System.IO.",
        "System.Net.",
        "System.TimeProvider",
        "System.Random",
        "System.Collections.Generic.IAsyncEnumerable",
        "Microsoft.Extensions.",
    ];

    // The compiler makes Program public; it is nobody's.
    private static IEnumerable<Type> PublicTypes => 
        Repository.ProductAssemblies.SelectMany(assembly => assembly.GetExportedTypes()).Where(type => type.Namespace is not null);

    [Fact]
    public void The_protocol_and_the_runtime_are_among_the_assemblies_looked_at() =>
        Assert.Superset(
            new HashSet<string?> { "OrleansRecovery.Protocol", "OrleansRecovery.Runtime" },
            Repository.ProductAssemblies.Select(assembly => assembly.GetName().Name).ToHashSet());

    [Fact]
    public void No_member_of_the_protocol_takes_or_returns_a_task_a_stream_a_token_or_a_logger()
    {
        var findings =
            from type in typeof(Protocol.Machines.IllegalTransition).Assembly.GetExportedTypes()
            from member in type.GetMembers(Declared)
            from mentioned in MentionedBy(member).SelectMany(Unfold).Distinct()
            where Impure.Any(impure => (mentioned.FullName ?? mentioned.Name).StartsWith(impure, StringComparison.Ordinal))
            select $"{type.Name}.{member.Name}: {mentioned.FullName}";

        Repository.AssertNone(findings, "The protocol is pure: time, input and output are values.");
    }

    [Fact]
    public void Every_public_type_is_closed_or_made_to_be_derived_from() =>
        Repository.AssertNone(
            from type in PublicTypes
            where type.IsClass && !type.IsSealed && !type.IsAbstract
            select type.FullName,
            "Seal it: nobody has thought about what a derived type would mean.");

    [Fact]
    public void The_cases_of_an_input_or_effect_are_closed() =>
        Repository.AssertNone(
            from type in typeof(Protocol.Machines.IllegalTransition).Assembly.GetExportedTypes()
            where type.IsAbstract && type.IsClass && !type.IsSealed
            where type.Name.EndsWith("Input", StringComparison.Ordinal) || type.Name.EndsWith("Effect", StringComparison.Ordinal)
            from constructor in type.GetConstructors(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
            where !constructor.IsPrivate && !IsCopyConstructor(constructor)
            select type.FullName,
            "A machine's inputs and effects are a closed list: the constructor of their base is private.");

    [Fact]
    public void Every_public_method_that_is_awaited_says_so_in_its_name() =>
        Repository.AssertNone(
            from type in PublicTypes
            from method in type.GetMethods(Declared)
            where !method.IsSpecialName && method.GetBaseDefinition() == method
            where IsAwaited(method.ReturnType) && !method.Name.EndsWith("Async", StringComparison.Ordinal) && method.Name != "Main"
            select $"{type.FullName}.{method.Name}",
            "A method that returns a task or an asynchronous sequence ends in Async.");

    private static bool IsCopyConstructor(ConstructorInfo constructor) =>
        constructor.GetParameters() is [var only] && only.ParameterType == constructor.DeclaringType;

    private static bool IsAwaited(Type type) =>
        (type.FullName ?? type.Name).StartsWith("System.Threading.Tasks.", StringComparison.Ordinal)
        || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>));

    private static IEnumerable<Type> MentionedBy(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType),
        ConstructorInfo constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType),
        PropertyInfo property => [property.PropertyType],
        FieldInfo field => [field.FieldType],
        EventInfo happening => [happening.EventHandlerType!],
        _ => [],
    };

    private static IEnumerable<Type> Unfold(Type type)
    {
        yield return type;
        var inner = type.HasElementType ? [type.GetElementType()!] : type.GetGenericArguments();
        foreach (var argument in inner.SelectMany(Unfold))
        {
            yield return argument;
        }
    }
}
