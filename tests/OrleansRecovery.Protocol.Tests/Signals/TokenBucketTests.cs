using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Protocol.Tests.Signals;

/// <summary>The token bucket against a twin that is slow and plain: it counts every millisecond.</summary>
public sealed class TokenBucketTests
{
    private const long Now = 1_800_000_000_000;

    [Fact]
    public void A_bucket_gives_what_its_twin_gives_that_counts_every_millisecond() =>
        Prop.ForAll(Steps().ToArbitrary(), Gen.Choose(1, 5).ToArbitrary(), Gen.Choose(1, 200).ToArbitrary(), (steps, burst, perMinute) =>
        {
            var rate = new QuotaRate(perMinute, burst);
            var (bucket, now, twin) = (TokenBucket.Full(rate, Now), Now, burst * 60_000m);
            foreach (var (elapsed, price) in steps)
            {
                now += elapsed;
                for (var i = 0; i < elapsed; i++)
                {
                    twin = Math.Min(burst * 60_000m, twin + perMinute);
                }

                bucket = bucket.Refilled(rate, now);
                Assert.Equal(twin, bucket.Level);
                Assert.Equal(twin >= price * 60_000m, bucket.Has(price));
                if (bucket.Has(price))
                {
                    bucket = bucket.Taken(price);
                    twin -= price * 60_000m;
                }
                else if (price <= burst)
                {
                    var wait = bucket.WaitFor(price, rate);
                    Assert.True(bucket.Refilled(rate, now + wait).Has(price));
                    Assert.False(bucket.Refilled(rate, now + wait - 1).Has(price));
                }
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_bucket_is_never_less_than_empty() =>
        Assert.Equal(0, TokenBucket.Full(new QuotaRate(1, 2), Now).Taken(3).Level);

    private static Gen<List<(int Elapsed, int Price)>> Steps() =>
        Gen.ListOf(Gen.Choose(0, 900).SelectMany(elapsed => Gen.Choose(1, 4).Select(price => (elapsed, price)))).Select(steps => steps.Take(40).ToList());
}
