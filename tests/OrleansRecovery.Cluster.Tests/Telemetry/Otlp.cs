using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace OrleansRecovery.Cluster.Tests.Telemetry;

/// <summary>A span as it was exported.</summary>
internal sealed record ExportedSpan(string Process, string Trace, string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A metric as it was exported.</summary>
internal sealed record ExportedMetric(string Meter, string Name, string Unit);

/// <summary>A log line as it was exported.</summary>
internal sealed record ExportedLog(string Trace, string Body, IReadOnlyDictionary<string, string> Attributes);

/// <summary>Reads what OTLP requests hold (opentelemetry-proto 1), as far as tests look at it. Numbers are those of the fields.</summary>
internal static class Otlp
{
    internal static IEnumerable<ExportedSpan> Spans(ReadOnlyMemory<byte> request) =>
        from resource in All(request, 1)
        let process = Attributes(All(resource, 1).Single(), 1)["service.instance.id"]
        from scope in All(resource, 2)
        from span in All(scope, 2)
        select new ExportedSpan(process, Hex(All(span, 1).Single()), Text(All(span, 5).Single()), Attributes(span, 9));

    internal static IEnumerable<ExportedMetric> Metrics(ReadOnlyMemory<byte> request) =>
        from resource in All(request, 1)
        from scope in All(resource, 2)
        let meter = Text(All(All(scope, 1).Single(), 1).Single())
        from metric in All(scope, 2)
        select new ExportedMetric(meter, Text(All(metric, 1).Single()), Text(All(metric, 3).FirstOrDefault()));

    internal static IEnumerable<ExportedLog> Logs(ReadOnlyMemory<byte> request) =>
        from resource in All(request, 1)
        from scope in All(resource, 2)
        from line in All(scope, 2)
        select new ExportedLog(Hex(All(line, 9).FirstOrDefault()), Value(All(line, 5).FirstOrDefault()), Attributes(line, 6));

    private static Dictionary<string, string> Attributes(ReadOnlyMemory<byte> message, int field)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in All(message, field))
        {
            found[Text(All(pair, 1).Single())] = Value(All(pair, 2).FirstOrDefault());
        }

        return found;
    }

    // A string, or a whole number; nothing else is looked at.
    private static string Value(ReadOnlyMemory<byte> any)
    {
        foreach (var (field, number, bytes) in Fields(any))
        {
            return field == 3 ? ((long)number).ToString(CultureInfo.InvariantCulture) : Text(bytes);
        }

        return string.Empty;
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);

    private static IEnumerable<ReadOnlyMemory<byte>> All(ReadOnlyMemory<byte> message, int field) =>
        Fields(message).Where(item => item.Field == field).Select(item => item.Bytes);

    // The wire format of protocol buffers: a field's number and form, then a number or bytes.
    private static List<(int Field, ulong Number, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        var fields = new List<(int Field, ulong Number, ReadOnlyMemory<byte> Bytes)>();
        while (message.Length > 0)
        {
            var tag = Varint(ref message);
            var field = (int)(tag >> 3);
            fields.Add((tag & 7) switch
            {
                0 => (field, Varint(ref message), default),
                1 => (field, BinaryPrimitives.ReadUInt64LittleEndian(Take(ref message, 8).Span), default),
                2 => (field, 0, Take(ref message, (int)Varint(ref message))),
                5 => (field, BinaryPrimitives.ReadUInt32LittleEndian(Take(ref message, 4).Span), default),
                var form => throw new InvalidDataException($"There is no form {form}."),
            });
        }

        return fields;
    }

    private static ulong Varint(ref ReadOnlyMemory<byte> message)
    {
        var value = 0ul;
        for (var shift = 0; ; shift += 7)
        {
            var next = Take(ref message, 1).Span[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }

    private static ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> message, int count)
    {
        var taken = message[..count];
        message = message[count..];
        return taken;
    }
}
