using System.Collections;
using System.Reflection;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Messages;

/// <summary>Messages of every kind, made from the types of the records: a new member is generated as soon as it is there.</summary>
internal static class MessageSamples
{
    private const string NameFirst = "abzAZ09_@";
    private const string NameRest = NameFirst + "-.:~+";

    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>The record of each kind.</summary>
    public static IReadOnlyDictionary<RecoveryMessageKind, Type> Types { get; } = typeof(RecoveryMessage).Assembly.GetTypes()
        .Where(type => type.IsSubclassOf(typeof(RecoveryMessage)) && !type.IsAbstract)
        .ToDictionary(type => Enum.Parse<RecoveryMessageKind>(type.Name));

    /// <summary>Any message of a kind.</summary>
    public static Gen<RecoveryMessage> Of(RecoveryMessageKind kind) => Value(Types[kind], null, mayLeaveOut: true).Select(message => (RecoveryMessage)message!);

    /// <summary>One message of a kind, always the same, with every member, and every list with something in it.</summary>
    public static RecoveryMessage Full(RecoveryMessageKind kind) =>
        (RecoveryMessage)Value(Types[kind], null, mayLeaveOut: false).Sample(1, new Rnd(1, 1), 1).Single()!;

    private static Gen<object?> Value(Type type, string? member, bool mayLeaveOut)
    {
        if (Nullable.GetUnderlyingType(type) is { } held)
        {
            return OrNull(Value(held, member, mayLeaveOut), mayLeaveOut);
        }

        if (type.IsEnum)
        {
            return Gen.Elements(Enum.GetValues(type).Cast<object?>());
        }

        if (type == typeof(string))
        {
            return (member == "EvidenceDigest" ? Digest() : Text()).Select(object? (text) => text);
        }

        if (type == typeof(bool))
        {
            return Gen.Elements<object?>(true, false);
        }

        if (type == typeof(int))
        {
            return Gen.Elements<object?>(0, 1, 5, int.MaxValue);
        }

        if (type == typeof(long))
        {
            return Number().Select(object? (number) => member == "Try" ? Math.Max(1, number) : number);
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            return List(type.GetGenericArguments()[0], mayLeaveOut);
        }

        return IsTerm(type, typeof(ITextTerm<>)) ? Name().Select(text => Parse(type, "Parse", text))
            : IsTerm(type, typeof(INumberTerm<>)) ? Number().Select(number => Parse(type, "Of", number))
            : Record(type, mayLeaveOut);
    }

    private static Gen<object?> Record(Type type, bool mayLeaveOut)
    {
        var constructor = type.GetConstructors().MaxBy(item => item.GetParameters().Length)!;
        var parameters = constructor.GetParameters();
        var extra = type.GetProperties().Where(property => property.CanWrite && !parameters.Any(parameter => parameter.Name == property.Name)).ToList();
        var values = parameters
            .Select(parameter => Nullability.Create(parameter).WriteState == NullabilityState.Nullable && !parameter.ParameterType.IsValueType
                ? OrNull(Value(parameter.ParameterType, parameter.Name, mayLeaveOut), mayLeaveOut)
                : Value(parameter.ParameterType, parameter.Name, mayLeaveOut))
            .Concat(extra.Select(property => Value(property.PropertyType, property.Name, mayLeaveOut)));
        return Gen.CollectToList(values, value => value).Select(object? (all) =>
        {
            var made = constructor.Invoke([.. all.Take(parameters.Length)]);
            foreach (var (property, value) in extra.Zip(all.Skip(parameters.Length)))
            {
                property.SetValue(made, value);
            }

            return made;
        });
    }

    private static Gen<object?> List(Type item, bool mayBeEmpty) =>
        from count in Gen.Choose(mayBeEmpty ? 0 : 1, 3)
        from items in Gen.ArrayOf(Value(item, null, mayBeEmpty), count)
        select (object?)Array(item, items);

    private static Array Array(Type type, IList items)
    {
        var array = System.Array.CreateInstance(type, items.Count);
        items.CopyTo(array, 0);
        return array;
    }

    private static Gen<object?> OrNull(Gen<object?> value, bool mayLeaveOut) =>
        mayLeaveOut ? Gen.Frequency((1, Gen.Constant<object?>(null)), (2, value)) : value;

    private static Gen<string> Name() =>
        from first in Gen.Elements(NameFirst.ToCharArray())
        from length in Gen.Choose(0, TermText.LengthMax - 1)
        from rest in Gen.ArrayOf(Gen.Elements(NameRest.ToCharArray()), length)
        select first + new string(rest);

    private static Gen<string> Text() =>
        from length in Gen.Choose(0, 40)
        from runes in Gen.ArrayOf(Gen.Elements("a", " ", "\"", "\\", "\n", "\u0001", "\u007f", "\u2028", "ü", "\uFEFF", "<", "\U0001F600", "{}"), length)
        from times in Gen.Elements(1, 1, 10)
        select string.Concat(Enumerable.Repeat(string.Concat(runes), times));

    private static Gen<string> Digest() => Gen.ArrayOf(Gen.Elements("0123456789abcdef".ToCharArray()), 64).Select(digits => new string(digits));

    private static Gen<long> Number() => Gen.OneOf(
        Gen.Elements(0L, 1L, TermParser.NumberMax), Gen.Choose(0, int.MaxValue).Select(number => (long)number));

    private static object? Parse(Type type, string method, object argument) => type.GetMethod(method, [argument.GetType()])!.Invoke(null, [argument]);

    private static bool IsTerm(Type type, Type term) => type.GetInterfaces().Any(item => item.IsGenericType && item.GetGenericTypeDefinition() == term);
}
