using System.Globalization;
using System.Text;

namespace OrleansRecovery.Benchmarks;

/// <summary>Lines over a grid as an SVG file.</summary>
internal static class Plot
{
    private const int Width = 640;
    private const int Height = 360;
    private const int Left = 70;
    private const int Right = 190;
    private const int Top = 30;
    private const int Bottom = 45;

    private static readonly string[] Colours = ["#1b6ca8", "#d1495b", "#2e8b57", "#8a5fbf", "#c98a00", "#555555", "#00a0a0", "#a0522d"];

    /// <summary>Where plots are written; null: nowhere, as in a run that writes no document.</summary>
    public static string? Folder { get; set; }

    /// <summary>Writes a plot and refers to it in the report. Points without a value are left out.</summary>
    public static void Lines(string file, string title, string x, string y, IReadOnlyList<(string Name, IReadOnlyList<(double X, double Y)> Points)> series, bool isLogX, bool isLogY)
    {
        if (Folder is null)
        {
            return;
        }

        var horizontal = new Axis(series.SelectMany(line => line.Points.Select(point => point.X)), isLogX, Left, Width - Right);
        var vertical = new Axis(series.SelectMany(line => line.Points.Select(point => point.Y)), isLogY, Height - Bottom, Top);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="11">""");
        svg.Append(CultureInfo.InvariantCulture, $"""<rect width="{Width}" height="{Height}" fill="#ffffff"/><text x="{Left}" y="18" font-size="13">{Escape(title)}</text>""");
        foreach (var tick in horizontal.Ticks)
        {
            var at = horizontal.Place(tick);
            svg.Append(CultureInfo.InvariantCulture, $"""<path d="M{at:0.0} {Top}V{Height - Bottom}" stroke="#e4e4e4"/><text x="{at:0.0}" y="{Height - Bottom + 15}" text-anchor="middle">{Name(tick)}</text>""");
        }

        foreach (var tick in vertical.Ticks)
        {
            var at = vertical.Place(tick);
            svg.Append(CultureInfo.InvariantCulture, $"""<path d="M{Left} {at:0.0}H{Width - Right}" stroke="#e4e4e4"/><text x="{Left - 6}" y="{at + 4:0.0}" text-anchor="end">{Name(tick)}</text>""");
        }

        for (var i = 0; i < series.Count; i++)
        {
            var colour = Colours[i % Colours.Length];
            var places = series[i].Points.Select(point => (X: horizontal.Place(point.X), Y: vertical.Place(point.Y))).ToList();
            var path = string.Join('L', places.Select(place => string.Create(CultureInfo.InvariantCulture, $"{place.X:0.0} {place.Y:0.0}")));
            svg.Append(CultureInfo.InvariantCulture, $"""<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>""");
            places.ForEach(place => svg.Append(CultureInfo.InvariantCulture, $"""<circle cx="{place.X:0.0}" cy="{place.Y:0.0}" r="3" fill="{colour}"/>"""));
            svg.Append(CultureInfo.InvariantCulture, $"""<path d="M{Width - Right + 12} {Top + 10 + (i * 18)}h18" stroke="{colour}" stroke-width="2"/><text x="{Width - Right + 36}" y="{Top + 14 + (i * 18)}">{Escape(series[i].Name)}</text>""");
        }

        svg.Append(CultureInfo.InvariantCulture, $"""<text x="{(Left + Width - Right) / 2}" y="{Height - 8}" text-anchor="middle">{Escape(x)}</text>""");
        svg.Append(CultureInfo.InvariantCulture, $"""<text transform="translate(14 {(Top + Height - Bottom) / 2}) rotate(-90)" text-anchor="middle">{Escape(y)}</text></svg>""");
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, $"{file}.svg"), svg.Append('\n').ToString());
        Report.Line($"\n![{title}](images/{Path.GetFileName(Folder)}/{file}.svg)");
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);

    private static string Name(double tick) => Math.Abs(tick) switch
    {
        >= 1e6 => $"{tick / 1e6:0.##}M",
        >= 1e3 => $"{tick / 1e3:0.##}k",
        _ => tick.ToString("0.####", CultureInfo.InvariantCulture),
    };

    private sealed class Axis
    {
        private readonly bool _isLog;
        private readonly double _low;
        private readonly double _high;
        private readonly double _from;
        private readonly double _to;

        public Axis(IEnumerable<double> values, bool isLog, double from, double to)
        {
            var all = values.Where(value => !isLog || value > 0).DefaultIfEmpty(1).ToList();
            (_isLog, _from, _to) = (isLog, from, to);
            _low = isLog ? Math.Floor(Math.Log10(all.Min())) : Math.Min(0, all.Min());
            _high = isLog ? Math.Ceiling(Math.Log10(all.Max())) : all.Max();
            _high = _high <= _low ? _low + 1 : _high;
        }

        public IEnumerable<double> Ticks => _isLog
            ? Enumerable.Range((int)_low, (int)(_high - _low) + 1).Select(power => Math.Pow(10, power))
            : Enumerable.Range(0, 6).Select(part => _low + ((_high - _low) * part / 5));

        public double Place(double value)
        {
            var at = _isLog ? Math.Log10(Math.Max(value, double.Epsilon)) : value;
            return _from + ((_to - _from) * Math.Clamp((at - _low) / (_high - _low), 0, 1));
        }
    }
}
