using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.LocalHost;

/// <content>Requests that another process left in the database, such as the command line beside a running host.</content>
public sealed partial class LocalRecoveryHost
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<StreamId, long> _inboxRead = [];
    private Task _inbox = Task.CompletedTask;

    private async Task ReadInboxesAsync()
    {
        using var timer = new PeriodicTimer(Options.InboxInterval, Options.Time);
        try
        {
            do
            {
                await LookAsync();
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    // One question for all executions: most inboxes never have a request.
    private async Task LookAsync()
    {
        try
        {
            await foreach (var (inbox, version) in Journal.ListAsync(StreamKind.Inbox, cancellationToken: _stopping.Token))
            {
                var address = new ExecutionAddress(inbox.Tenant, inbox.Execution);
                if (inbox == StreamId.OfInbox(address) && _executions.ContainsKey(address) && _inboxRead.GetValueOrDefault(inbox) < version)
                {
                    await ReadInboxAsync(address);
                }
            }
        }
        catch (RecoveryException trouble)
        {
            Logger.InboxesUnread(trouble.Error.ToString());
        }
    }

    private async Task ReadInboxAsync(ExecutionAddress address)
    {
        var inbox = StreamId.OfInbox(address);
        try
        {
            if (!_inboxRead.TryGetValue(inbox, out var next))
            {
                next = await RequestInbox.DoneAsync(Journal, address, _stopping.Token);
                _inboxRead[inbox] = next;
            }

            await foreach (var stored in Journal.ReadAsync(inbox, next, _stopping.Token))
            {
                await CarryOutAsync(address, RequestInbox.Read(stored.Body.Span));
                _inboxRead[inbox] = stored.Position + 1;
                await RequestInbox.MarkDoneAsync(Journal, address, stored.Position + 1, _stopping.Token);
            }
        }
        catch (RecoveryException refused)
        {
            Logger.RequestRefused(address.ToString(), refused.Error.ToString());
        }
    }

    // A request is carried out at least once: each is such that a second time does nothing, or is refused.
    private async Task CarryOutAsync(ExecutionAddress address, StoredRequest request)
    {
        try
        {
            await request.CarryOutAsync(this, address, _origin, Options.Signals.Of(address.Tenant).Signatures, _stopping.Token);
        }
        catch (RecoveryException refused)
        {
            Logger.RequestRefused(address.ToString(), refused.Error.ToString());
        }
    }
}
