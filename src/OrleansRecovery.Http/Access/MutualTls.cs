using System.Net.Security;
using System.Security.Authentication;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Http.Access;

/// <summary>
/// What one end of a connection proves itself with, and whom it believes: TLS 1.3 with certificates on both ends (draft, R-HTT-10, R-HTT-11). Only certificates of the named
/// authorities count, and not those of the machine. No list of a third party is asked whether one was revoked: <see cref="IsRevoked"/> says it, when a connection is made and, on
/// the side of the server, at every request over it.
/// </summary>
/// <param name="Certificate">The own certificate, with its private key.</param>
/// <param name="Authorities">The certificates of the authorities that the other end's must come from.</param>
public sealed record MutualTls(X509Certificate2 Certificate, X509Certificate2Collection Authorities)
{
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private const string Scheme = "mutual TLS";

    /// <summary>Is a certificate of the other end shut out, though its authority gave it? Asked anew each time. Default: none is.</summary>
    public Func<X509Certificate2, bool> IsRevoked { get; init; } = _ => false;

    /// <summary>Reads PEM files.</summary>
    /// <param name="certificate">The own certificate, and those between it and its authority.</param>
    /// <param name="key">Its private key, which only its owner may read.</param>
    /// <param name="authorities">The certificates of the authorities.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>; <c>UnsafeKeyFile</c>: the key cannot be read, or others may read it.</exception>
    public static MutualTls Read(string certificate, string key, string authorities)
    {
        try
        {
            var trusted = new X509Certificate2Collection();
            trusted.ImportFromPemFile(authorities);
            return trusted.Count > 0 ? new MutualTls(X509Certificate2.CreateFromPem(File.ReadAllText(certificate), PrivateFile.Read(key)), trusted) : throw new CryptographicException($"{authorities} holds no certificate.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration,
                $"The certificates cannot be read: {failure.Message}",
                "The server was not started.",
                "Name PEM files: the own certificate, its private key, and the authorities of clients.",
                failure);
        }
    }

    /// <summary>The names under which the own certificate lets itself be reached.</summary>
    internal IEnumerable<string> OwnNames => NamesOf(Certificate) is { } names ? [.. names.EnumerateDnsNames(), .. names.EnumerateIPAddresses().Select(address => address.ToString())] : [];

    /// <summary>For the end that connects.</summary>
    public SslClientAuthenticationOptions ForClient() => new()
    {
        ClientCertificates = [Certificate],
        EnabledSslProtocols = SslProtocols.Tls13,
        CertificateChainPolicy = Policy(),
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => errors == SslPolicyErrors.None && certificate is X509Certificate2 other && !IsRevoked(other),
    };

    internal void Configure(HttpsConnectionAdapterOptions https)
    {
        https.ServerCertificate = Certificate;
        https.SslProtocols = SslProtocols.Tls13;
        https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        https.ClientCertificateValidation = (certificate, _, _) =>
        {
            var isLetIn = IsTrusted(certificate) && !IsRevoked(certificate);
            if (!isLetIn)
            {
                RecoveryMetrics.AccessRefused(AccessRefusal.Certificate);
            }

            return isLetIn;
        };
    }

    /// <summary>
    /// Whom a certificate names: its one DNS name, which must be a name of this protocol. Of several nobody could say which one counts, so it names nobody.
    /// </summary>
    internal static ClaimsPrincipal Peer(X509Certificate2? certificate) =>
        certificate is not null && NamesOf(certificate)?.EnumerateDnsNames().ToList() is [var name] && TermParser.TryParse<IssuerId>(name, out var issuer, out _)
            ? new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, issuer.Text)], Scheme))
            : new ClaimsPrincipal(new ClaimsIdentity());

    /// <summary>Is who sends a request shut out by now, over whatever connection it made before?</summary>
    internal bool IsShutOut(HttpContext http) => http.Connection.ClientCertificate is { } certificate && IsRevoked(certificate);

    private bool IsTrusted(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy = Policy();
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientUse));
        return chain.Build(certificate);
    }

    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.AddRange(Authorities);
        return policy;
    }

    private static X509SubjectAlternativeNameExtension? NamesOf(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
}
