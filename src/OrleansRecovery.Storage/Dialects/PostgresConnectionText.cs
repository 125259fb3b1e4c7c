using System.Text.RegularExpressions;
using Npgsql;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>How a PostgreSQL database is named: <c>Host=...;Database=...</c>, or <c>postgres://user:password@host:port/database?sslmode=require</c>.</summary>
internal static partial class PostgresConnectionText
{
    /// <summary>Whether a text names a PostgreSQL database, and not the path of a file.</summary>
    public static bool Matches(string text) => Beginning().IsMatch(text);

    /// <summary>Reads it.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>. It names a keyword only when that is a known one: a password that was not quoted must not be shown.</exception>
    public static NpgsqlConnectionStringBuilder Parse(string text)
    {
        try
        {
            return Address().IsMatch(text) ? OfAddress(text) : new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception failure) when (failure is ArgumentException or FormatException or InvalidCastException or OverflowException or KeyNotFoundException)
        {
            var keyword = (failure as ArgumentException)?.ParamName;
            var known = keyword is not null && new NpgsqlConnectionStringBuilder().ContainsKey(keyword);
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration,
                known ? $"The connection string's {keyword} cannot be read." : "The connection string has a keyword that is not known, or cannot be read.",
                "The database was not opened.",
                "Write Host=...;Port=...;Database=...;Username=...;Password=..., with values that hold ; in quotes, or postgres://user:password@host:port/database.");
        }
    }

    private static NpgsqlConnectionStringBuilder OfAddress(string text)
    {
        var address = new Uri(text);
        var user = address.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder { Host = address.Host };
        if (address.Port > 0)
        {
            builder.Port = address.Port;
        }

        if (address.AbsolutePath.Length > 1)
        {
            builder.Database = Uri.UnescapeDataString(address.AbsolutePath[1..]);
        }

        if (user[0].Length > 0)
        {
            builder.Username = Uri.UnescapeDataString(user[0]);
        }

        if (user.Length > 1)
        {
            builder.Password = Uri.UnescapeDataString(user[1]);
        }

        foreach (var pair in address.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var item = pair.Split('=', 2);
            builder[Keyword(item[0])] = item.Length > 1 ? Uri.UnescapeDataString(item[1]) : string.Empty;
        }

        return builder;
    }

    // The names that other clients use in addresses.
    private static string Keyword(string name) => name switch
    {
        "sslmode" => "SSL Mode",
        "application_name" => "Application Name",
        "connect_timeout" => "Timeout",
        "host" => "Host",
        _ => Uri.UnescapeDataString(name),
    };

    [GeneratedRegex(@"^postgres(ql)?://|(^|;)\s*(host|server)\s*=", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Beginning();

    [GeneratedRegex("^postgres(ql)?://", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Address();
}
