namespace OrleansRecovery.Protocol.Terms;

/// <summary>
/// An edge of the rollback-dependency graph: <paramref name="Consumer"/> used what <paramref name="Producer"/> sent.
/// </summary>
/// <param name="Producer">The interval in which the information was sent.</param>
/// <param name="Consumer">The interval in which it was consumed.</param>
/// <param name="Kind">How it travelled.</param>
/// <param name="Strength">Whether the rollback set follows it.</param>
public readonly record struct Dependency(Interval Producer, Interval Consumer, DependencyKind Kind, DependencyStrength Strength);
