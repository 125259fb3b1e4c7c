using System.Globalization;
using OrleansRecovery.Simulation;

return args switch
{
    ["--seed", var seed] => Commands.Tell(Number(seed)),
    ["--seeds", var count] => Commands.Many(Number(count), 1),
    ["--seeds", var count, "--from", var first] => Commands.Many(Number(count), Number(first)),
    ["--digests", var count] => Commands.Digests(Number(count), 1),
    ["--digests", var count, "--from", var first] => Commands.Digests(Number(count), Number(first)),
    ["--shrink", var seed] => Commands.Shrink(Number(seed)),
    ["--first", var count] => Commands.First(Number(count)),
    ["--mutants"] => Commands.FindMutants(2_000),
    ["--mutants", var seeds] => Commands.FindMutants(Number(seeds)),
    ["--mutants", var seeds, var only] => Commands.FindMutants(Number(seeds), only),
    ["--crashes"] => Commands.Crashes(20, 3),
    ["--crashes", var schedules] => Commands.Crashes(Number(schedules), 3),
    ["--crashes", var schedules, var stories] => Commands.Crashes(Number(schedules), Number(stories)),
    _ => Commands.Explain(),
};

static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
