using System.Reflection;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;

namespace OrleansRecovery.Protocol.Tests.Json;

/// <summary>Enum values leave the process by their names, in snake_case, wherever they are written.</summary>
public sealed class WireNameTests
{
    [Fact]
    public void Every_enum_in_a_record_or_message_is_written_by_its_wire_name()
    {
        var roots = new[] { typeof(AgentEvent), typeof(CoordinatorInput), typeof(ExecutionRecord), typeof(ExecutionInput), typeof(RecoveryMessage), typeof(RecoveryPolicy), typeof(RecoveryRecord) };
        var known = new HashSet<Type>();
        foreach (var root in roots)
        {
            Visit(root, known);
        }

        var enums = known.Where(type => type.IsEnum).ToList();
        Assert.True(enums.Count > 15, string.Join(' ', enums.Select(type => type.Name)));
        Assert.All(enums, type => Assert.Equal(
            typeof(WireNameConverter<>).MakeGenericType(type), type.GetCustomAttribute<JsonConverterAttribute>()?.ConverterType));
    }

    [Fact]
    public void A_wire_name_is_exact()
    {
        Assert.Equal("not_affected", WireNames.Of(VoteKind.NotAffected));
        Assert.True(WireNames.TryParse<VoteKind>("not_affected", out var vote));
        Assert.Equal(VoteKind.NotAffected, vote);
        Assert.All(["NotAffected", "Not_affected", "1", ""], name => Assert.False(WireNames.TryParse<VoteKind>(name, out _)));
    }

    private static void Visit(Type type, HashSet<Type> known)
    {
        var inner = type.IsGenericType ? type.GetGenericArguments() : [];
        foreach (var argument in inner.Where(argument => argument.Assembly == typeof(AgentEvent).Assembly || argument.IsGenericType))
        {
            Visit(argument, known);
        }

        if (type.Assembly != typeof(AgentEvent).Assembly || !known.Add(type))
        {
            return;
        }

        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is null && property.CanWrite))
        {
            Visit(property.PropertyType, known);
        }

        foreach (var derived in type.Assembly.GetTypes().Where(candidate => candidate.BaseType == type))
        {
            Visit(derived, known);
        }
    }
}
