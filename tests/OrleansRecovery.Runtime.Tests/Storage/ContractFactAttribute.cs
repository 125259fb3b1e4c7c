using OrleansRecovery.TestSupport;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>A test of a suite that several classes inherit; skipped, and said so, where the class is marked with <see cref="NeedsPostgresAttribute"/> and PostgreSQL is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer("OrleansRecovery.Runtime.Tests.Storage.ContractFactDiscoverer", "OrleansRecovery.Runtime.Tests")]
internal sealed class ContractFactAttribute : FactAttribute;

/// <summary>All contract tests of this class run on PostgreSQL.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NeedsPostgresAttribute : Attribute;

/// <summary>Makes the cases of <see cref="ContractFactAttribute"/>.</summary>
public sealed class ContractFactDiscoverer(IMessageSink sink) : FactDiscoverer(sink)
{
    protected override IXunitTestCase CreateTestCase(ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute) =>
        new ContractTestCase(
            DiagnosticMessageSink, discoveryOptions.MethodDisplayOrDefault(), discoveryOptions.MethodDisplayOptionsOrDefault(), testMethod);
}

/// <summary>Asks the test's class, and not only its method, whether it is skipped.</summary>
public sealed class ContractTestCase : XunitTestCase
{
    [Obsolete("For the runner, which fills it from text.")]
    public ContractTestCase()
    {
    }

    public ContractTestCase(IMessageSink sink, TestMethodDisplay display, TestMethodDisplayOptions options, ITestMethod method)
        : base(sink, display, options, method)
    {
    }

    protected override string GetSkipReason(IAttributeInfo factAttribute) =>
        TestMethod.TestClass.Class.GetCustomAttributes(typeof(NeedsPostgresAttribute)).Any() && PostgresServer.MissingReason is { } reason
            ? reason
            : base.GetSkipReason(factAttribute);
}
