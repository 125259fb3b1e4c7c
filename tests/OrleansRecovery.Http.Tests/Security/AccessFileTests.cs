using System.Formats.Asn1;
using System.Globalization;
using System.Numerics;
using System.Security.Claims;
using System.Security.Cryptography.X509Certificates;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary>Rules in a file that changes while they count, and certificates that they shut out.</summary>
public sealed class AccessFileTests : IDisposable
{
    private const string AnnReads = """{"acme":[{"who":"ann","may":["read"]}]}""";
    private const string BobReads = """{"acme":[{"who":"bob","may":["read"]}]}""";

    // The order of the group of P-256 (SEC 2, section 2.4.2).
    private static readonly BigInteger Order = BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-access-").FullName;
    private readonly TestAuthority _authority = new();
    private readonly List<RecoveryError> _said = [];

    private string Path => System.IO.Path.Combine(_folder, "access.json");

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_file_says_counts_from_the_next_question_on_whether_it_is_written_or_replaced(bool isReplaced)
    {
        var rules = Open(AnnReads);
        var time = File.GetLastWriteTimeUtc(Path);
        Assert.Equal((true, false), (await MayAsync(rules, "ann"), await MayAsync(rules, "bob")));

        Write(BobReads, isReplaced); // as long, and as old
        File.SetLastWriteTimeUtc(Path, time);

        Assert.Equal((false, true), (await MayAsync(rules, "ann"), await MayAsync(rules, "bob")));
        Assert.Empty(_said);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("""{"acme":[{"who":"ann","may":["read"]}]""")]
    [InlineData("""{"acme":[{"who":"ann","may":["everything"]}]}""")]
    [InlineData("""{"acme":[],"$revoked":["no number"]}""")]
    public async Task A_file_that_is_no_table_any_more_leaves_the_rules_before_it_and_says_so_once_by_its_name(string? text)
    {
        var rules = Open(AnnReads);
        Write(BobReads);
        Assert.True(await MayAsync(rules, "bob"));

        Write(text);

        Assert.Equal((false, true), (await MayAsync(rules, "ann"), await MayAsync(rules, "bob")));
        var said = Assert.Single(_said);
        Assert.Equal(RecoveryErrorCode.BadConfiguration, said.Code);
        Assert.Contains(Path, said.Cause, StringComparison.Ordinal);
        Write(AnnReads);
        Assert.Equal((true, false), (await MayAsync(rules, "ann"), await MayAsync(rules, "bob")));
        Assert.Single(_said);
    }

    [Fact]
    public async Task Who_asks_while_the_file_changes_never_brings_back_what_was_taken_away()
    {
        var rules = Open(AnnReads);
        var asking = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            for (var asked = 0; asked < 500; asked++)
            {
                await MayAsync(rules, "ann");
            }
        })).ToList();
        for (var change = 0; change < 50; change++)
        {
            Write(change % 2 == 0 ? BobReads : AnnReads, isReplaced: true);
        }

        Write(BobReads, isReplaced: true);
        Assert.False(await MayAsync(rules, "ann"));
        Write("{", isReplaced: true);
        await Task.WhenAll(asking);

        Assert.Equal((false, true), (await MayAsync(rules, "ann"), await MayAsync(rules, "bob")));
    }

    [Fact]
    public void Rules_that_are_none_from_the_beginning_are_refused()
    {
        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => AccessFile.Open(Path)).Error.Code);
        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => Open("""{"acme":[],"$revoked":[""]}""")).Error.Code);
        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => Open("""{"acme":[],"$revoked":[null]}""")).Error.Code);
        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => Open("""{"acme":[],"revoked":["12"]}""")).Error.Code);
    }

    [Fact]
    public void A_certificate_is_shut_out_by_its_serial_number_in_each_form_that_tools_write()
    {
        var (stolen, other) = (_authority.Of("ann").Certificate, _authority.Of("ann").Certificate);
        var serial = stolen.SerialNumber;
        string[] forms = [serial, serial.ToLowerInvariant(), $"00{serial}", serial.TrimStart('0'), string.Join(':', serial.Chunk(2).Select(pair => new string(pair)))];

        foreach (var form in forms)
        {
            var rules = Open($$"""{"acme":[],"$revoked":["{{form}}"]}""");

            Assert.True(rules.IsRevoked(stolen), form);
            Assert.False(rules.IsRevoked(other), form);
        }
    }

    [Fact]
    public void A_certificate_whose_holder_wrote_its_signature_in_another_way_is_shut_out_as_well()
    {
        var stolen = _authority.Of("ann").Certificate;
        using var rewritten = X509CertificateLoader.LoadCertificate(Rewritten(stolen.RawData));
        using var chain = new X509Chain { ChainPolicy = { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck } };
        chain.ChainPolicy.CustomTrustStore.Add(_authority.Certificate);
        Assert.True(chain.Build(rewritten)); // its authority's signature still holds
        Assert.NotEqual(stolen.Thumbprint, rewritten.Thumbprint);

        Assert.True(Open($$"""{"$revoked":["{{stolen.SerialNumber}}"]}""").IsRevoked(rewritten));
    }

    private AccessFile Open(string text)
    {
        Write(text);
        var rules = AccessFile.Open(Path);
        rules.OnRefused = _said.Add;
        return rules;
    }

    private void Write(string? text, bool isReplaced = false)
    {
        if (text is null)
        {
            File.Delete(Path);
        }
        else if (isReplaced)
        {
            File.WriteAllText($"{Path}.next", text);
            File.Move($"{Path}.next", Path, overwrite: true);
        }
        else
        {
            File.WriteAllText(Path, text);
        }
    }

    private static async Task<bool> MayAsync(AccessFile rules, string who) => await rules.MayAsync(
        new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, who)], "test")),
        new AccessRequest(AccessKind.Read, TenantId.Parse("acme"), null, null),
        CancellationToken.None);

    // Of an ECDSA signature (r, s) the pair (r, n - s) verifies too.
    private static byte[] Rewritten(byte[] certificate)
    {
        var whole = new AsnReader(certificate, AsnEncodingRules.DER).ReadSequence();
        var (signed, algorithm) = (whole.ReadEncodedValue(), whole.ReadEncodedValue());
        var signature = new AsnReader(whole.ReadBitString(out _), AsnEncodingRules.DER).ReadSequence();
        var (r, s) = (signature.ReadInteger(), signature.ReadInteger());
        var pair = new AsnWriter(AsnEncodingRules.DER);
        using (pair.PushSequence())
        {
            pair.WriteInteger(r);
            pair.WriteInteger(Order - s);
        }

        var written = new AsnWriter(AsnEncodingRules.DER);
        using (written.PushSequence())
        {
            written.WriteEncodedValue(signed.Span);
            written.WriteEncodedValue(algorithm.Span);
            written.WriteBitString(pair.Encode());
        }

        return written.Encode();
    }
}
