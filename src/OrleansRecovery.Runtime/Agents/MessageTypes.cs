using System.Runtime.CompilerServices;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>Gives a message type its name in the journal. It stays when the type moves to another namespace or assembly.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct)]
public sealed class MessageTypeAttribute(string name) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;
}

/// <summary>The names of message types in the journal and on the wire.</summary>
public static class MessageTypes
{
    private static readonly ConditionalWeakTable<Type, string> Names = [];

    /// <summary>The name of a type: its <see cref="MessageTypeAttribute"/>, or else its simple name.</summary>
    public static string NameOf(Type type) => Names.GetValue(type, Read);

    private static string Read(Type type) =>
        type.GetCustomAttributes(typeof(MessageTypeAttribute), inherit: false) is [MessageTypeAttribute named, ..] ? named.Name : type.Name;
}
