using Orleans.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Silo;
using OrleansRecovery.TestProcess;
using OrleansRecovery.TestSilo;

// The product's silo, started as users start it; what differs stands here.
var place = Environment.GetEnvironmentVariable(TestSiloEnvironment.World) ?? throw new InvalidOperationException($"{TestSiloEnvironment.World} is not set.");
var death = Environment.GetEnvironmentVariable(TestSiloEnvironment.Death) ?? throw new InvalidOperationException($"{TestSiloEnvironment.Death} is not set.");
var world = new DatabaseWorld(place);
using var silo = await SiloHost.BuildAsync(args, builder =>
{
    builder.Services.AddKeyedSingleton<IGrainStorage>(
        DeadlyStorage.Name, (services, _) => new DeadlyStorage(services.GetRequiredKeyedService<IGrainStorage>(SiloHost.Storage), death));
    builder.Configure<ReminderOptions>(reminders => reminders.MinimumReminderPeriod = TimeSpan.FromSeconds(1));
    builder.Configure<AgentRecoveryOptions>(options =>
    {
        options.Storage = DeadlyStorage.Name;
        options.DriveInterval = TimeSpan.FromSeconds(2);
        options.Signals = new() { QuotaPerMinute = 1_000_000, QuotaBurst = 1_000_000, TenantQuotaPerMinute = 1_000_000, TenantQuotaBurst = 1_000_000 };
        options.Agents.Add(() => new CausalAgent(world), "causal");
    });
});
await silo.RunAsync();
