using System.Collections.Frozen;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Problems;

namespace OrleansRecovery.Http.Console;

/// <summary>
/// The operator's console at <c>/console</c>: files in this assembly, and nothing else. They hold no data, so everybody may have them; what they show they ask
/// the API for, in the name of whoever looks. Where the build found no Node, a page says so.
/// </summary>
internal static class ConsoleFiles
{
    // Nothing of another host, nothing that stands in the page itself, and no text that becomes markup.
    private const string ContentPolicy =
        "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

    private const string Prefix = "console/";
    private const string Start = "index.html";

    private static readonly FrozenDictionary<string, byte[]> BuiltIn = Load();

    /// <summary>Was there what it takes when this assembly was built?</summary>
    internal static bool AreBuilt => BuiltIn.ContainsKey(Start);

    internal static void Map(IEndpointRouteBuilder routes) => Map(routes, BuiltIn);

    internal static void Map(IEndpointRouteBuilder routes, FrozenDictionary<string, byte[]> files)
    {
        routes.MapGet("/console", (HttpContext http) => Serve(http, files, Start)).ExcludeFromDescription();
        routes.MapGet("/console/{**file}", (HttpContext http, string? file) => Serve(http, files, string.IsNullOrEmpty(file) ? Start : file)).ExcludeFromDescription();
    }

    private static IResult Serve(HttpContext http, FrozenDictionary<string, byte[]> files, string name)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        if (!files.TryGetValue(name, out var content))
        {
            return files.ContainsKey(Start)
                ? Results.NotFound()
                : Results.Json(NotBuilt, Json.HttpJson.Options, RecoveryProblem.MediaType, StatusCodes.Status501NotImplemented);
        }

        headers.CacheControl = name == Start ? "no-cache" : "max-age=31536000, immutable"; // the other names change with the content
        return Results.Bytes(content, TypeOf(name));
    }

    private static RecoveryProblem NotBuilt { get; } = new(
        "about:blank",
        "ConsoleNotBuilt",
        StatusCodes.Status501NotImplemented,
        "This server was built where Node (20.19 or later) or its packages were missing, so it has no console.",
        null,
        null,
        "The API works; only /console is missing.",
        "Install Node and npm (Debian: apt-get install nodejs npm), build again, and start the server anew. Until then use the 'recovery' command.");

    private static FrozenDictionary<string, byte[]> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[Prefix.Length..], name => Read(assembly, name), StringComparer.Ordinal);
    }

    private static byte[] Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
}
