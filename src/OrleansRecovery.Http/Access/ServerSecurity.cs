using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Http.Access;

/// <summary>What a server is protected with, as an operator names it by files: the same for <c>recovery serve</c> and for a silo.</summary>
/// <param name="Tls">The certificates of both ends of every connection; null: nobody proves anything, and the server listens on the loopback interface alone.</param>
/// <param name="Access">Who may do what; null: everybody who reaches the server, everything.</param>
public sealed record ServerSecurity(MutualTls? Tls, AccessFile? Access)
{
    /// <summary>Reads the files. Certificates without rules would let everybody who has one do everything, so a server has both or rules alone.</summary>
    /// <param name="certificate">The own certificate (PEM), or null.</param>
    /// <param name="key">Its private key (PEM), or null.</param>
    /// <param name="authorities">The authorities (PEM) that the other end's certificates come from, or null.</param>
    /// <param name="access">The rules (JSON), or null.</param>
    /// <param name="isServing">False where nobody connects to this process, which proves itself to foreign agents alone: then no rules are needed.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>, <c>UnsafeKeyFile</c>: one is missing, or is not what it is named as.</exception>
    public static ServerSecurity Read(string? certificate, string? key, string? authorities, string? access, bool isServing = true)
    {
        var rules = access is null ? null : AccessFile.Open(access);
        return (certificate, key, authorities) switch
        {
            (null, null, null) => new ServerSecurity(null, rules),
            ({ } own, { } secret, { } trusted) when rules is not null || !isServing =>
                new ServerSecurity(MutualTls.Read(own, secret, trusted) with { IsRevoked = other => rules?.IsRevoked(other) ?? false }, rules),
            _ => throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration,
                "Certificates need all of --tls-cert, --tls-key and --tls-ca, and --access with the rules of who may do what.",
                "The server was not started.",
                "Name all four, or none; docs/security.md shows how they are made."),
        };
    }
}
