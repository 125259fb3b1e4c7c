namespace OrleansRecovery.Repository.Tests;

/// <summary>The patterns find what they are for, and leave alone what looks like it.</summary>
public sealed partial class SourceTests
{
    [Theory]
    [InlineData("            _ => throw new UnreachableException(),", true)]
    [InlineData("        _ when late => 1,", true)]
    [InlineData("            default:", true)]
    [InlineData("        return default;", false)]
    [InlineData("    private readonly Func<int, int> _keep = _ => 1;", false)]
    [InlineData("            On.Prepare => OnPrepare(state, input),", false)]
    public void A_discard_arm_is_found(string line, bool expected) => Assert.Equal(expected, DiscardArm().IsMatch(line));

    [Theory]
    [InlineData("        return (state.Phase, input.Kind) switch", true)]
    [InlineData("        switch (phase, kind)", true)]
    [InlineData("        switch ((phase, kind))", true)]
    [InlineData("        var effects = input.Kind switch", false)]
    [InlineData("        switch (input.Kind)", false)]
    public void A_switch_over_a_tuple_is_found(string line, bool expected) => Assert.Equal(expected, TupleSwitch().IsMatch(line));

    [Theory]
    [InlineData("        var text = state.Phase switch", true)]
    [InlineData("        switch (recovery.Phase)", true)]
    [InlineData("        if (state.Phase == ParticipantPhase.Active)", false)]
    public void A_switch_over_a_phase_is_found(string line, bool expected) => Assert.Equal(expected, PhaseSwitch().IsMatch(line));

    [Theory]
    [InlineData("/wor", "k/main/src", true)]
    [InlineData("cd /ro", "ot/.config", true)]
    [InlineData("https:/", "/nuget.example.org/v3/index.json", true)]
    [InlineData("registry = http:/", "/npm.example.org:8080/", true)]
    [InlineData("https://github.com/", "a/b", false)]
    [InlineData("docs/", "work/plan.md", false)]
    public void A_registry_or_a_path_of_one_machine_is_found(string first, string second, bool expected) =>
        Assert.Equal(expected, OneMachine().IsMatch(first + second));

    [Theory]
    [InlineData("        await Task.", "Delay(100);", true)]
    [InlineData("        Thread.", "Sleep(100);", true)]
    [InlineData("        await Task.", "Delay(due, clock);", false)]
    public void A_sleep_is_found(string first, string second, bool expected) => Assert.Equal(expected, Sleep().IsMatch(first + second));
}
