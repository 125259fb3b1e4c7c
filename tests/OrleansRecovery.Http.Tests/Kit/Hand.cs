using System.Net;
using System.Text.Json.Nodes;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>Records of a foreign agent, as it writes them, by hand.</summary>
internal static class Hand
{
    public const string Start = """{"event":"interval_opened","number":0,"incarnation":0,"cause":"start","at":0}""";

    public static string Open(int number, int incarnation = 0) =>
        $$"""{"event":"interval_opened","number":{{number}},"incarnation":{{incarnation}},"cause":"message","at":0}""";

    public static string Consume(int sequence, string sender = "@outside", int sentIn = 0) =>
        $$$"""{"event":"message_consumed","message":{"sender":"{{{sender}}}","sequence":{{{sequence}}}},"sent_in":{{{sentIn}}},"sender_incarnation":0,"dependency":"message","strength":"required","begins_turn":true}""";

    public static string Intend(string name = "order", string kind = "compensatable") =>
        $$"""{"event":"action_intended","name":"{{name}}","class":"{{kind}}","argument":"x","allowed_by_policy":false,"has_compensation":true}""";

    public static string Settle(int action) => $$"""{"event":"action_settled","action":{{action}},"succeeded":true,"result":"x"}""";

    public static string Send(string to) => $$"""{"event":"message_sent","to":"{{to}}","type":"Order","payload":{"item":"y"},"dependency":"message","strength":"required"}""";

    public static string End => $$"""{"event":"turn_ended","state_digest":"{{new string('0', 64)}}","has_snapshot":false}""";

    /// <summary>One turn of an agent: start, an interval, one input consumed, an action, the end. Seven records.</summary>
    public static async Task TurnAsync(this ApiClient client, string agent, int input = 1)
    {
        var answer = await client.AppendAsync(agent, 0, Start, Open(1), Consume(input), Intend(), Settle(3), End);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
    }

    public static JsonObject About(this ApiClient client, string type, string recovery, string agent, int epoch = 0) => new()
    {
        ["ver"] = 1,
        ["type"] = type,
        ["tenant"] = client.Tenant,
        ["execution"] = "trip",
        ["recovery"] = recovery,
        ["epoch"] = epoch,
        ["agent"] = agent,
    };

    /// <summary>The vote for the turn of <see cref="TurnAsync"/>: as a record of the journal, and then as a message.</summary>
    public static async Task<JsonObject> VoteAsync(this ApiClient client, string agent, string recovery, int plan = 1)
    {
        var vote = client.About("vote", recovery, agent);
        vote["plan"] = plan;
        vote["answer"] = "ready";
        vote["incarnation"] = 0;
        vote["target"] = 1;
        vote["objections"] = new JsonArray();
        vote["trace"] = JsonNode.Parse(
            """{"sends":[],"receipts":[{"sequence":2,"message":{"sender":"@outside","sequence":1}}],"actions":[{"sequence":3,"class":"compensatable","progress":"done","name":"order"}],"reads":[],"intervals":[{"number":1,"from":1}]}""");
        var answer = await client.AppendAsync(agent, 6, Promised(vote));
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        answer = await client.PostMessageAsync(vote.ToJsonString());
        Assert.True(answer.Status == HttpStatusCode.Accepted, answer.Text);
        return vote;
    }

    /// <summary>The record of a vote.</summary>
    public static string Promised(JsonObject vote)
    {
        var stored = vote.DeepClone().AsObject();
        foreach (var member in new[] { "ver", "type", "tenant", "execution" })
        {
            stored.Remove(member);
        }

        return new JsonObject { ["event"] = "promised", ["vote"] = stored }.ToJsonString();
    }
}
