namespace OrleansRecovery.Simulation.Mutants;

/// <summary>A fault put into a copy of the product, which the tests must find.</summary>
/// <param name="Name">What is wrong.</param>
/// <param name="Edits">Where, and how. <see cref="Mutant.On"/> in the new text asks whether the fault is switched on.</param>
internal sealed record Mutant(string Name, params IReadOnlyList<Edit> Edits)
{
    /// <summary>Stands for the question.</summary>
    public const string On = "§";

    /// <summary>The tests that must find it, where no simulated execution can: a project, and a class or a folder in it. Null: the simulator.</summary>
    public (string Project, string Class)? Tests { get; init; }
}

/// <summary>One change of a file.</summary>
/// <param name="File">Below <c>src/OrleansRecovery.</c>.</param>
/// <param name="Before">Text that stands there once.</param>
/// <param name="After">What stands there instead.</param>
internal sealed record Edit(string File, string Before, string After);
