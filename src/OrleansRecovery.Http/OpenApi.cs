using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using OrleansRecovery.Http.Problems;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Http;

/// <summary>The OpenAPI document, made from the resources themselves.</summary>
internal static class OpenApi
{
    private const string NamePattern = "^[A-Za-z0-9_@][A-Za-z0-9._:@~+-]*$";

    private static readonly int[] Refusals =
        [.. Enum.GetValues<RecoveryErrorCode>().Select(code => RecoveryProblem.Answer(code).Status).Where(status => status < 500).Distinct().Order()];

    internal static void AddRecoveryOpenApi(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "OrleansRecovery", Version = "1", Description = "Coordinated rollback of agents over HTTP. Messages of the protocol: draft/schemas." };
            document.Servers?.Clear();
            return Task.CompletedTask;
        });
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Describe(schema, context.JsonTypeInfo);
            return Task.CompletedTask;
        });
    });

    internal static RouteGroupBuilder WithProblems(this RouteGroupBuilder group)
    {
        foreach (var status in Refusals)
        {
            group.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(RecoveryProblem), [RecoveryProblem.MediaType]));
        }

        return group;
    }

    // Terms and names of values have converters, whose form the generator does not see.
    private static void Describe(OpenApiSchema schema, JsonTypeInfo info)
    {
        var type = Nullable.GetUnderlyingType(info.Type) ?? info.Type;
        if (Is(type, typeof(ITextTerm<>)))
        {
            (schema.Type, schema.Pattern, schema.MaxLength) = (JsonSchemaType.String, NamePattern, TermText.LengthMax);
        }
        else if (Is(type, typeof(INumberTerm<>)))
        {
            (schema.Type, schema.Minimum, schema.Maximum) = (JsonSchemaType.Integer, "0", "9007199254740991");
        }
        else if (type.IsEnum)
        {
            schema.Type = JsonSchemaType.String;
            schema.Enum = [.. Enum.GetNames(type).Select(name => (System.Text.Json.Nodes.JsonNode)System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(name))];
        }
    }

    private static bool Is(Type type, Type term) => type.GetInterfaces().Any(known => known.IsGenericType && known.GetGenericTypeDefinition() == term);
}
