using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>Refuses settings that would be missed only when an agent fails. Every message names the setting.</summary>
internal sealed class AgentRecoveryOptionsValidator(IServiceProviderIsKeyedService services, IOptions<ReminderOptions> reminders) : IValidateOptions<AgentRecoveryOptions>
{
    public ValidateOptionsResult Validate(string? name, AgentRecoveryOptions options)
    {
        var faults = new List<string>();
        if (options.LedgerKey is null)
        {
            faults.Add($"{nameof(options.LedgerKey)} is not set: ledgers could not be signed. Give every silo of the cluster the same key (KeyFile).");
        }

        if (string.IsNullOrEmpty(options.Storage) || !services.IsKeyedService(typeof(IGrainStorage), options.Storage))
        {
            faults.Add($"{nameof(options.Storage)} is '{options.Storage}', and the silo has no grain storage of that name: journals would have no place. Add it, for example with AddAdoNetGrainStorage.");
        }

        CheckInterval(nameof(options.CollectInterval), options.CollectInterval);
        CheckInterval(nameof(options.DriveInterval), options.DriveInterval);
        if (options.UseReminders && options.DriveInterval < reminders.Value.MinimumReminderPeriod)
        {
            faults.Add($"{nameof(options.DriveInterval)} is {options.DriveInterval}, and Orleans refuses reminders below {reminders.Value.MinimumReminderPeriod}: choose more, or lower ReminderOptions.MinimumReminderPeriod.");
        }

        if (RecoveryClientOptionsValidator.FaultOf(services, options.FailureStreams) is { } unknown)
        {
            faults.Add(unknown);
        }

        if (options.QuiesceTime < TimeSpan.Zero || options.QuiesceTime > TimeSpan.FromMinutes(1))
        {
            faults.Add($"{nameof(options.QuiesceTime)} is {options.QuiesceTime}: choose 0 to 1 minute.");
        }

        if (options.UseReminders && !services.IsService(typeof(IReminderTable)))
        {
            faults.Add($"{nameof(options.UseReminders)} is on, and the silo has no reminder service: add one (UseAdoNetReminderService), or turn it off.");
        }

        CheckValid(nameof(options.Signals), () => options.Signals.Validated());
        CheckValid(nameof(options.Objectives), () => options.Objectives.Select(objective => objective.Validated()).ToList());
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void CheckValid(string setting, Func<object> validated)
        {
            try
            {
                _ = validated();
            }
            catch (RecoveryException refused)
            {
                faults.Add($"{setting}: {refused.Error.Cause}");
            }
        }

        void CheckInterval(string setting, TimeSpan interval)
        {
            if (interval < TimeSpan.FromSeconds(1) || interval > TimeSpan.FromDays(1))
            {
                faults.Add($"{setting} is {interval}: choose 1 second to 1 day.");
            }
        }
    }
}
