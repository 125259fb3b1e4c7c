using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using Orleans.Concurrency;
using Orleans.Serialization.Invocation;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Orleans.Calls;

/// <summary>
/// A method of a grain interface as a message. Its name in the journal is <c>Interface.Method</c>, of each the alias, or else the simple name; its payload has a
/// member for each argument, and its response is the value.
/// </summary>
internal sealed class GrainMethod
{
    private static readonly ConcurrentDictionary<MethodInfo, GrainMethod> Known = [];

    private readonly MethodInfo _method;
    private readonly ParameterInfo[] _parameters;
    private readonly Func<object, Task<object?>> _completeAsync;

    private GrainMethod(MethodInfo method)
    {
        _method = method;
        _parameters = method.GetParameters();
        Name = NameOf(method);
        if (FaultOf(method) is { } fault)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.UnsupportedMethod,
                $"The method {Name} cannot become a message: {fault}.",
                "Its grain takes no part in executions, and the call was not made.",
                "Let it return Task or ValueTask, with a value or without, and take what System.Text.Json can write; or move it to an interface of its own.");
        }

        ValueType = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericArguments()[0] : null;
        _completeAsync = Completing(method.ReturnType, ValueType);
    }

    /// <summary>The name of the message's type in the journal.</summary>
    internal string Name { get; }

    /// <summary>What it returns, when that is known; null when it returns no value.</summary>
    internal Type? ValueType { get; }

    /// <summary>The types that cross the journal.</summary>
    internal IEnumerable<Type> Types => Written.Select(parameter => parameter.ParameterType).Concat(ValueType is { } value ? [value] : []);

    private IEnumerable<ParameterInfo> Written => _parameters.Where(parameter => parameter.ParameterType != typeof(CancellationToken));

    /// <summary>The method.</summary>
    /// <exception cref="RecoveryException"><c>UnsupportedMethod</c>.</exception>
    internal static GrainMethod Of(MethodInfo method) => Known.GetOrAdd(method, static method => new GrainMethod(method));

    /// <summary>The methods of a class that are messages.</summary>
    /// <exception cref="RecoveryException"><c>UnsupportedMethod</c>.</exception>
    internal static IEnumerable<GrainMethod> AllOf(Type grainClass) => grainClass.GetInterfaces()
        .Where(type => typeof(IRecoverableGrain).IsAssignableFrom(type))
        .SelectMany(type => type.GetInterfaces().Append(type))
        .Distinct()
        .SelectMany(type => type.GetMethods())
        .Select(Of);

    /// <summary>The name of a method in the journal.</summary>
    internal static string NameOf(MethodInfo method) => $"{NameOf(method.DeclaringType!)}.{NameOf((MemberInfo)method)}";

    /// <summary>The arguments of a call.</summary>
    /// <exception cref="RecoveryException"><c>PayloadTooLarge</c>.</exception>
    internal JsonElement Write(IInvokable request)
    {
        var arguments = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var parameter in Written)
        {
            arguments.Add(
                MemberOf(parameter), JsonSerializer.SerializeToElement(request.GetArgument(parameter.Position), parameter.ParameterType, AgentJson.Options));
        }

        return AgentJson.Write(arguments, typeof(Dictionary<string, JsonElement>));
    }

    /// <summary>Runs the method, and gives its value.</summary>
    internal async Task<JsonElement> InvokeAsync(object grain, JsonElement arguments, CancellationToken cancellationToken)
    {
        var values = Array.ConvertAll(
            _parameters, parameter => parameter.ParameterType == typeof(CancellationToken) ? cancellationToken : Read(arguments, parameter));
        var returned = _method.Invoke(grain, BindingFlags.DoNotWrapExceptions, null, values, null);
        var value = await _completeAsync(returned!);
        return AgentJson.Write(value!, ValueType ?? typeof(object));
    }

    /// <summary>Gives the value to the caller.</summary>
    internal static void Answer(IGrainCallContext call, Type? valueType, JsonElement value)
    {
        if (valueType is null)
        {
            call.Response = Response.Completed;
        }
        else
        {
            call.Result = value.Deserialize(valueType, AgentJson.Options);
        }
    }

    private object? Read(JsonElement arguments, ParameterInfo parameter)
    {
        if (arguments.TryGetProperty(MemberOf(parameter), out var argument))
        {
            return argument.Deserialize(parameter.ParameterType, AgentJson.Options);
        }

        return parameter.HasDefaultValue
            ? parameter.DefaultValue
            : throw RecoveryException.Of(
                RecoveryErrorCode.SchemaViolation,
                $"The message {Name} has no argument '{MemberOf(parameter)}'.",
                "The turn fails; the message stays in the journal.",
                "An earlier version of the caller wrote it: give the parameter a default value.");
    }

    private static string MemberOf(ParameterInfo parameter) => JsonNamingPolicy.SnakeCaseLower.ConvertName(parameter.Name!);

    private static string NameOf(MemberInfo member) => member.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias ?? member.Name;

    private static string? FaultOf(MethodInfo method)
    {
        if (method.IsGenericMethod || method.DeclaringType!.IsGenericType)
        {
            return "it is generic";
        }

        if (method.IsDefined(typeof(OneWayAttribute), inherit: true))
        {
            return "it is one-way, and every call has a response";
        }

        var type = method.ReturnType.IsGenericType ? method.ReturnType.GetGenericTypeDefinition() : method.ReturnType;
        if (type != typeof(Task) && type != typeof(Task<>) && type != typeof(ValueTask) && type != typeof(ValueTask<>))
        {
            return $"it returns {method.ReturnType.Name}";
        }

        var foreign = Array.Find(method.GetParameters(), parameter =>
            typeof(IAddressable).IsAssignableFrom(parameter.ParameterType) || parameter.ParameterType == typeof(GrainCancellationToken));
        return foreign is null ? null : $"its parameter {foreign.Name} is a {foreign.ParameterType.Name}, which no journal can keep";
    }

    private static Func<object, Task<object?>> Completing(Type returned, Type? value)
    {
        if (value is null)
        {
            return returned == typeof(Task) ? NothingOfTaskAsync : NothingOfValueTaskAsync;
        }

        var name = returned.GetGenericTypeDefinition() == typeof(Task<>) ? nameof(ValueOfTaskAsync) : nameof(ValueOfValueTaskAsync);
        return typeof(GrainMethod).GetMethod(name, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(value)
            .CreateDelegate<Func<object, Task<object?>>>();
    }

    private static async Task<object?> NothingOfTaskAsync(object task)
    {
        await (Task)task;
        return null;
    }

    private static async Task<object?> NothingOfValueTaskAsync(object task)
    {
        await (ValueTask)task;
        return null;
    }

    private static async Task<object?> ValueOfTaskAsync<T>(object task) => await (Task<T>)task;

    private static async Task<object?> ValueOfValueTaskAsync<T>(object task) => await (ValueTask<T>)task;
}
