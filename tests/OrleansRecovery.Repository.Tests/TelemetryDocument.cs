using System.Diagnostics.Metrics;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Repository.Tests;

/// <summary>Writes docs/telemetry.md from the instruments and names that the product has.</summary>
internal static partial class TelemetryDocument
{
    private const string Preface =
        """
        # Telemetry

        Generated from `SpanNames`, `RecoveryMetrics` and `AttributeNames`; do not edit. To write it anew:
        `UPDATE_GENERATED=1 dotnet test tests/OrleansRecovery.Repository.Tests`.

        Everything comes from one `ActivitySource` and one `Meter`, both named `OrleansRecovery`. Where nobody listens it costs nothing worth measuring.
        A silo exports traces, metrics and logs with `--otlp http://collector:4317`, or where `OTEL_EXPORTER_OTLP_ENDPOINT` is set; the other variables
        of OpenTelemetry (`OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, ...) count as everywhere. A host of your own
        adds the source and the meter to its providers: `AddSource("OrleansRecovery")`, `AddMeter("OrleansRecovery")`.

        ## One trace for a recovery

        All spans of a recovery are in one trace, on whatever silo they were made, before and after crashes. Nothing is carried for that: the trace id is the
        first 16 bytes of the SHA-256 of `tenant/execution/recovery`, in hexadecimal digits, and `RecoveryTelemetry.TraceOf` tells it. So a trace is found from a
        log line, a ledger entry or a status, and the other way round.

        - The spans are siblings. Their parent is named by the next 8 bytes of the hash and is no span itself: viewers show the trace without a root.
        - The parent counts as sampled: a sampler that follows the parent, as the default one does, keeps every recovery whole.
        - A turn is the root of a trace of its own, which your sampler takes or leaves. The signal of a turn that failed links to it.
        - A span that a crash ended is lost. What was under way is done again, with a span of its own; `recovery.resume` shows where.
        - A message that is sent twice makes two spans.

        ## Logs

        Lines about a recovery carry `recovery.tenant`, `recovery.execution`, `recovery.id` and `trace_id` as scope, those of a participant `recovery.agent` too; lines
        inside a turn carry tenant, execution, agent and `recovery.message`. That holds for what handlers and compensations log through the same logger
        factory. The silo writes JSON lines to its standard output, scopes included:

            recovery-silo ... | jq -c 'select(.Scopes[]?."recovery.id" == "r-...")'

        """;

    private static readonly XDocument Documentation = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "OrleansRecovery.Runtime.xml"));

    public static string Write()
    {
        var text = new StringBuilder(Preface.ReplaceLineEndings("\n"));
        text.Append("\n## Spans\n\n| span | what it spans |\n| --- | --- |\n");
        WriteNames(text, typeof(SpanNames));
        text.Append("\n## Metrics\n\nUnits are UCUM's. No metric names a tenant, an execution or an agent.\n\n");
        text.Append("| metric | kind | unit | what is measured | attributes |\n| --- | --- | --- | --- | --- |\n");
        foreach (var (instrument, attributes) in RecoveryMetrics.All)
        {
            text.Append($"| `{instrument.Name}` | {KindOf(instrument)} | `{instrument.Unit}` | {instrument.Description} | ");
            text.Append(attributes.Count == 0 ? "|\n" : $"{string.Join(", ", attributes.Select(name => $"`{name}`"))} |\n");
        }

        text.Append("\n## Attributes\n\n| attribute | meaning |\n| --- | --- |\n");
        WriteNames(text, typeof(AttributeNames));
        return text.ToString();
    }

    private static void WriteNames(StringBuilder text, Type names)
    {
        foreach (var name in names.GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            var summary = Documentation.Descendants("member").Single(item => item.Attribute("name")!.Value == $"F:{names.FullName}.{name.Name}").Element("summary")!;
            text.Append($"| `{name.GetRawConstantValue()}` | {Space().Replace(summary.Value, " ").Trim()} |\n");
        }
    }

    private static string KindOf(Instrument instrument) => instrument.GetType().Name.Split('`')[0] switch
    {
        "Counter" => "counter",
        "UpDownCounter" => "up-down counter",
        "Histogram" => "histogram",
        "Gauge" => "gauge",
        var other => throw new InvalidOperationException($"{instrument.Name} is a {other}: say what it is called in the document."),
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
