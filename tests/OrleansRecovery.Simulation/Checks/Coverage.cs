using System.Globalization;
using System.Text;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation.Checks;

/// <summary>What many seeds together must have met: a simulator that no longer gets anywhere would find nothing, and say so of everything.</summary>
internal static class Coverage
{
    private const int SeedsEach = 10_000; // each fault in each phase once in so many seeds, at least
    private const int TimesMax = 100;

    // Each phase of coordinators and participants, each shape of traffic and each host.
    private static readonly string[] Wanted =
    [
        .. Phases.Select(phase => $"phase {phase}"),
        "recovery Completed", "recovery CompletedWithResidue", "recovery Aborted",
        "record Promised", "record Barred", "record Unbarred", "record PromiseReleased", "record DecisionLearnt", "record CompensationSettled",
        "record RolledBack", "record Reinstated", "record FenceRaised", "record DependencyDeclared", "record IntervalSealed", "record Collected",
        .. Enum.GetNames<Topology>().Select(topology => $"topology {topology}"),
        "host ClusterProcesses", "host LocalProcesses", "two tenants", "two executions",
    ];

    private static string[] Phases => Enum.GetNames<CoordinatorPhase>();

    /// <summary>What so many seeds should have met, and did not, or not often enough.</summary>
    public static IReadOnlyList<string> Missed(Tally seen, int seeds)
    {
        var least = Math.Clamp(seeds / SeedsEach, 1, TimesMax);
        return
        [
            .. Wanted.Where(what => !seen.Counts.ContainsKey(what)),
            .. from fault in Enum.GetValues<Fault>()
               from phase in Phases
               where IsPossible(fault, phase)
               let times = Times(seen, fault, phase)
               where times < least
               select string.Create(CultureInfo.InvariantCulture, $"{fault} while {phase}: {times} of {least}"),
        ];
    }

    /// <summary>How often each fault met a recovery in each phase.</summary>
    public static string Table(Tally seen)
    {
        var text = new StringBuilder($"| fault | {string.Join(" | ", Phases)} |\n| --- |{string.Concat(Phases.Select(_ => " ---: |"))}\n");
        foreach (var fault in Enum.GetValues<Fault>())
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"| {fault} | {string.Join(" | ", Phases.Select(phase => Times(seen, fault, phase)))} |");
        }

        return text.ToString();
    }

    // Nothing is compensated in the other phases, but for another execution's.
    private static bool IsPossible(Fault fault, string phase) =>
        fault is not (Fault.CompensationFails or Fault.CompensationGivesUp) || phase is nameof(CoordinatorPhase.Compensating) or nameof(CoordinatorPhase.Escalated);

    private static long Times(Tally seen, Fault fault, string phase) => seen.Counts.GetValueOrDefault($"{fault} while {phase}");
}
