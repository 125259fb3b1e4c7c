using Microsoft.Extensions.Configuration;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Silo;

namespace OrleansRecovery.Cluster.Tests.Processes;

public sealed class SiloSettingsTests
{
    [Fact]
    public void Without_settings_it_is_one_silo_on_SQLite()
    {
        var settings = Read();
        Assert.Null(settings.Postgres);
        Assert.Equal("recovery-silo.db", Path.GetFileName(settings.Database));
        Assert.Equal((11_111, 30_000), (settings.SiloPort, settings.GatewayPort));
        Assert.Equal(("recovery", "recovery"), (settings.ServiceId, settings.ClusterId));
        Assert.Equal("127.0.0.1", settings.Advertise.ToString());
        Assert.Equal(TimeSpan.FromSeconds(15), settings.FailureDetection);
        Assert.Empty(settings.Agents);
        Assert.Empty(settings.ForeignAgents);
        Assert.Null(settings.Http);
        Assert.Equal((null, null, null, null, null), (settings.Certificate, settings.CertificateKey, settings.Authorities, settings.Access, settings.Signals));
        Assert.Null(settings.Heads);
        Assert.Equal((false, null), (settings.RequireSignatures, settings.ClockSkewMilliseconds));
    }

    [Fact]
    public void Its_server_is_protected_by_what_protects_that_of_the_local_host()
    {
        var settings = Read(
            "--http", "https://0.0.0.0:7443", "--tls-cert", "a.pem", "--tls-key", "a.key", "--tls-ca", "ca.pem", "--access", "rules.json", "--signals", "signals.json", "--require-signatures", "true",
            "--clock-skew=0", "--publish-heads", "heads.jsonl");
        Assert.Equal(("a.pem", "a.key", "ca.pem", "rules.json"), (settings.Certificate, settings.CertificateKey, settings.Authorities, settings.Access));
        Assert.Equal(("signals.json", true, 0), (settings.Signals, settings.RequireSignatures, settings.ClockSkewMilliseconds));
        Assert.Equal("heads.jsonl", settings.Heads);
    }

    [Fact]
    public void Foreign_agents_are_named_one_by_one_or_in_a_list()
    {
        string[] expected = ["hotel=http://h:1/", "car=http://c:2/"];
        Assert.Equal(expected, Read("--http", "http://127.0.0.1:7400", "--agent", expected[0], "--agent", expected[1]).ForeignAgents);
        Assert.Equal(expected, Read($"--agent={expected[0]};{expected[1]}").ForeignAgents);
        Assert.Equal(expected, SiloSettings.Read([], new ConfigurationBuilder().AddInMemoryCollection([new("agent", string.Join(';', expected))]).Build()).ForeignAgents);
        Assert.Equal("http://127.0.0.1:7400", Read("--http", "http://127.0.0.1:7400").Http);
    }

    [Theory]
    [InlineData("--http", "http://0.0.0.0:7400")]
    [InlineData("--http", "https://0.0.0.0:7443")]
    [InlineData("--http", "7400")]
    [InlineData("--agent", "hotel")]
    [InlineData("--agent", "hotel=ftp://h/")]
    [InlineData("--http", "https://127.0.0.1:7443", "--tls-cert", "none.pem")]
    [InlineData("--http", "https://127.0.0.1:7443", "--tls-cert", "none.pem", "--tls-key", "none.key", "--tls-ca", "none.pem")]
    [InlineData("--http", "http://127.0.0.1:7400", "--access", "none.json")]
    [InlineData("--signals", "none.json")]
    public async Task An_address_or_file_that_is_none_or_not_the_machines_own_is_refused_before_anything_is_begun(params string[] settings)
    {
        var folder = Directory.CreateTempSubdirectory("recovery-settings-").FullName;
        var refusal = await Assert.ThrowsAsync<RecoveryException>(() => SiloHost.BuildAsync([.. settings, "--db", Path.Combine(folder, "silo.db")]));
        Assert.Equal(RecoveryErrorCode.BadConfiguration, refusal.Error.Code);
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_cluster_is_given_by_its_database_and_who_this_silo_is()
    {
        var settings = Read(
            "--postgres", "Host=db", "--advertise", "10.0.0.7", "--cluster-id", "blue", "--service-id", "shop", "--failure-detection", "30",
            "--agents", "a.dll; b.dll", "--silo-port", "1", "--gateway-port", "65535");
        Assert.Equal("Host=db", settings.Postgres);
        Assert.Equal("10.0.0.7", settings.Advertise.ToString());
        Assert.Equal(("shop", "blue"), (settings.ServiceId, settings.ClusterId));
        Assert.Equal(TimeSpan.FromSeconds(30), settings.FailureDetection);
        Assert.Equal(["a.dll", "b.dll"], settings.Agents);
        Assert.Equal((1, 65_535), (settings.SiloPort, settings.GatewayPort));
    }

    [Theory]
    [InlineData("The setting --colour is not known", "--colour", "red")]
    [InlineData("--postgres and --db are both given", "--postgres", "Host=db", "--db", "x.db")]
    [InlineData("--advertise is for a cluster", "--advertise", "10.0.0.7")]
    [InlineData("--cluster-id is for a cluster", "--cluster-id", "blue")]
    [InlineData("--failure-detection is for a cluster", "--failure-detection", "10")]
    [InlineData("--failure-detection is '0'", "--postgres", "Host=db", "--failure-detection", "0")]
    [InlineData("--failure-detection is '601'", "--postgres", "Host=db", "--failure-detection", "601")]
    [InlineData("--advertise is 'here'", "--postgres", "Host=db", "--advertise", "here")]
    [InlineData("--silo-port is '70000'", "--silo-port", "70000")]
    [InlineData("--gateway-port is '-1'", "--gateway-port", "-1")]
    [InlineData("--service-id is ' '", "--service-id", " ")]
    [InlineData("--access is for HTTP", "--access", "rules.json")]
    [InlineData("--require-signatures is 'perhaps'", "--require-signatures", "perhaps")]
    [InlineData("--require-signatures has no value", "--require-signatures")]
    [InlineData("--require-signatures has no value", "--require-signatures", "--http", "http://127.0.0.1:7400")]
    [InlineData("--clock-skew is '60001'", "--clock-skew", "60001")]
    public void What_it_does_not_know_or_what_contradicts_itself_is_refused_by_name(string message, params string[] arguments)
    {
        var refusal = Assert.Throws<SettingException>(() => Read(arguments));
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("The silo was not started.", refusal.Message, StringComparison.Ordinal);
    }

    private static SiloSettings Read(params string[] arguments) =>
        SiloSettings.Read(arguments, new ConfigurationBuilder().AddCommandLine(arguments).Build());
}
