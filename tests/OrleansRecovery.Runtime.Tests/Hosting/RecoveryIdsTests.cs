using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Runtime.Tests.Hosting;

public sealed class RecoveryIdsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Each_id_is_higher_than_the_one_before_within_a_millisecond_and_when_the_clock_is_set_back()
    {
        var newest = default(RecoveryId);
        for (var number = 0; number < 3_000; number++)
        {
            var next = RecoveryIds.After(newest, number < 2_000 ? Noon : Noon.AddHours(-1));
            Assert.True(next.CompareTo(newest) > 0, $"{next} comes after {newest}.");
            newest = next;
        }

        var later = RecoveryIds.After(newest, Noon.AddMilliseconds(1));
        Assert.True(later.CompareTo(newest) > 0);
        Assert.Equal(Guid.CreateVersion7(Noon.AddMilliseconds(1)).ToString("N")[..12], later.Text[2..14]);
    }

    [Fact]
    public void Counting_up_carries_through_all_digits()
    {
        var newest = RecoveryId.Parse("r-019fffffffff7fffbfffffffffffffff");
        Assert.Equal("r-019fffffffff7fffc000000000000000", RecoveryIds.After(newest, DateTimeOffset.UnixEpoch).Text);
    }
}
