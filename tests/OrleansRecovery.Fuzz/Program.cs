using System.Globalization;
using OrleansRecovery.Fuzz;

return args switch
{
    ["--inputs", var count] => await Commands.RunAsync(Number(count), 1, null),
    ["--inputs", var count, "--from", var first] => await Commands.RunAsync(Number(count), Number(first), null),
    ["--inputs", var count, "--from", var first, "--only", var target] => await Commands.RunAsync(Number(count), Number(first), target),
    _ => Commands.Explain(),
};

static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
