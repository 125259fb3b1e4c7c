using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage.Schema;

/// <summary>One step of the schema. Never changed once released: the next one is added behind it.</summary>
/// <param name="Version">The version that it leads to; 1 is the first, without gaps.</param>
/// <param name="Sql">Its statements; they run in one transaction.</param>
internal sealed record Migration(int Version, Func<SqlDialect, string> Sql);
