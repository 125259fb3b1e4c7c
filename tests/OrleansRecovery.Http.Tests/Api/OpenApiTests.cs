using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Repository.Tests;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>The OpenAPI document.</summary>
public sealed class OpenApiTests
{
    [Fact]
    public async Task The_document_in_the_repository_is_what_the_server_says_of_itself()
    {
        await using var server = await TestServer.StartAsync();

        var document = (await server.Client.GetAsync("/openapi/v1.json")).Json;

        Generated.AssertCurrent("docs/openapi.json", document.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n");
    }

    [Fact]
    public void Every_resource_has_a_name_a_summary_and_its_refusals()
    {
        var operations = JsonNode.Parse(Files.Read("docs/openapi.json"))!["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Where(operation => operation.Key is "get" or "put" or "post").Select(operation => (Path: path.Key, Operation: operation.Value!))).ToList();

        Assert.InRange(operations.Count, 15, 40);
        Assert.All(operations, item => Assert.NotNull((string?)item.Operation["summary"]));
        Assert.Equal(operations.Count, operations.Select(item => (string)item.Operation["operationId"]!).Distinct(StringComparer.Ordinal).Count());
        Assert.All(
            operations.Where(item => item.Path.StartsWith("/v1/", StringComparison.Ordinal)),
            item => Assert.Superset(new HashSet<string>(["400", "403", "404", "409", "413", "422", "429"]), item.Operation["responses"]!.AsObject().Select(response => response.Key).ToHashSet(StringComparer.Ordinal)));
    }
}
