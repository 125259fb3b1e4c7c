using Microsoft.Extensions.Hosting;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Silo;

try
{
    using var silo = await SiloHost.BuildAsync(args);
    await silo.RunAsync();
    return 0;
}
catch (Exception refused) when (refused is SettingException or RecoveryException)
{
    await Console.Error.WriteLineAsync(refused.Message);
    return 2;
}
