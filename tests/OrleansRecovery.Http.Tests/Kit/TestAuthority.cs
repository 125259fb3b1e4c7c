using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OrleansRecovery.Http.Access;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>An authority that lives as long as its test, and the certificates that it gives out.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly List<X509Certificate2> _given = [];
    private readonly DateTimeOffset _now = TimeProvider.System.GetUtcNow(); // of its begin: what it gives later, on a slow machine, must not outlive it

    public TestAuthority()
    {
        var request = new CertificateRequest("CN=test authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Certificate = request.CreateSelfSigned(_now.AddMinutes(-5), _now.AddHours(2));
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>What somebody of these names proves itself with, believing this authority.</summary>
    public MutualTls Of(params string[] names) => new(Give(names, "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"), [Certificate]);

    /// <summary>The same for a server on the loopback interface.</summary>
    public MutualTls Server() => Of("localhost", "127.0.0.1");

    /// <summary>The files of somebody of these names, as openssl makes them, and of this authority; the options that name them.</summary>
    public string[] Write(string folder, string file, params string[] names)
    {
        var certificate = Of(names).Certificate;
        using var key = certificate.GetECDsaPrivateKey()!;
        var place = Path.Combine(folder, file);
        File.WriteAllText($"{place}.pem", certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "ca.pem"), Certificate.ExportCertificatePem());
        File.WriteAllText($"{place}.key", key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode($"{place}.key", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return ["--tls-cert", $"{place}.pem", "--tls-key", $"{place}.key", "--tls-ca", Path.Combine(folder, "ca.pem")];
    }

    public X509Certificate2 Give(string[] names, params string[] uses)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        var oids = new OidCollection();
        foreach (var use in uses)
        {
            oids.Add(new Oid(use));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, critical: false));
        using var signed = request.Create(Certificate, _now.AddMinutes(-4), _now.AddHours(1), RandomNumberGenerator.GetBytes(8));
        var given = signed.CopyWithPrivateKey(key);
        _given.Add(given);
        return given;
    }

    public void Dispose()
    {
        _given.ForEach(given => given.Dispose());
        Certificate.Dispose();
        _key.Dispose();
    }
}
