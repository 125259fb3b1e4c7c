using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Samples.Trip;

/// <summary>The names of the trip's agents.</summary>
public static class TripAgents
{
    /// <summary>Splits the wish into bookings.</summary>
    public static AgentId Planner { get; } = AgentId.Parse("planner");

    /// <summary>Books flights.</summary>
    public static AgentId Flights { get; } = AgentId.Parse("flights");

    /// <summary>Books rooms.</summary>
    public static AgentId Hotel { get; } = AgentId.Parse("hotel");

    /// <summary>Reserves cars.</summary>
    public static AgentId Car { get; } = AgentId.Parse("car");

    /// <summary>Joins the bill and charges the card: the diamond's end.</summary>
    public static AgentId Payments { get; } = AgentId.Parse("payments");

    /// <summary>Keeps points.</summary>
    public static AgentId Loyalty { get; } = AgentId.Parse("loyalty");

    /// <summary>Sends mail, which nothing takes back.</summary>
    public static AgentId Mailer { get; } = AgentId.Parse("mailer");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<AgentId> All { get; } = [Planner, Flights, Hotel, Car, Payments, Loyalty, Mailer];

    /// <summary>Registers the classes, each under its agent's name.</summary>
    public static AgentCatalog AddTo(AgentCatalog catalog, TripWorld world) => catalog
        .Add(() => new PlannerAgent(), Planner.Text)
        .Add(() => new FlightAgent(world), Flights.Text)
        .Add(() => new HotelAgent(world), Hotel.Text)
        .Add(() => new CarAgent(world), Car.Text)
        .Add(() => new PaymentAgent(world), Payments.Text)
        .Add(() => new LoyaltyAgent(world), Loyalty.Text)
        .Add(() => new MailAgent(world), Mailer.Text);

    internal static AgentAction<string, string> Booking<TState>(AgentDefinition<TState> agent, TripWorld world, string name)
        where TState : class, new() =>
        agent.Compensatable<string, string>(
            name,
            (what, context) => world.DoAsync(KeyOf(context.IdempotencyKey), what),
            (what, _, undo) => world.UndoAsync(KeyOf(undo.IdempotencyKey), what));

    // One key for an action and its undoing: so the world can refuse a booking whose cancellation came first.
    private static string KeyOf(string idempotencyKey) => idempotencyKey[..idempotencyKey.LastIndexOf('/')];
}

/// <summary>What an agent has done, for people.</summary>
public sealed record TripLog
{
    /// <summary>One line for each.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];
}

/// <summary>Splits the wish into bookings.</summary>
public sealed class PlannerAgent : Agent<TripLog>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<TripLog> agent) => agent.On<TripRequest>((wish, context) =>
    {
        context.State = new TripLog { Lines = [.. context.State.Lines, $"{wish.Traveller} to {wish.City}"] };
        context.Send(TripAgents.Flights, new BookFlight(wish.Traveller, wish.City));
        context.Send(TripAgents.Hotel, new BookHotel(wish.Traveller, wish.City));
        context.Send(TripAgents.Car, new ReserveCar(wish.Traveller, wish.City));
    });
}

/// <summary>Books flights.</summary>
public sealed class FlightAgent(TripWorld world) : Agent<TripLog>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<TripLog> agent)
    {
        var book = TripAgents.Booking(agent, world, "book-flight");
        agent.On<BookFlight>(async (wish, context) =>
        {
            var seat = await context.ActAsync(book, $"seat for {wish.Traveller} to {wish.City}");
            context.State = new TripLog { Lines = [.. context.State.Lines, seat] };
            context.Send(TripAgents.Payments, new BillItem(wish.Traveller, "flight", 240));
        });
    }
}

/// <summary>Books rooms, by a price feed that can be wrong.</summary>
public sealed class HotelAgent(TripWorld world) : Agent<TripLog>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<TripLog> agent)
    {
        var book = TripAgents.Booking(agent, world, "book-room");
        agent.On<BookHotel>(async (wish, context) =>
        {
            // The first answer of the feed is wrong; after a rollback it is asked again.
            var isFirst = await context.RecordAsync("price-feed", _ => Task.FromResult(context.Interval.Number.Number <= 1));
            var price = isFirst ? 9 : 410;
            var room = await context.ActAsync(book, $"room for {wish.Traveller} in {wish.City} at {price}");
            context.State = new TripLog { Lines = [.. context.State.Lines, room] };
            context.Send(TripAgents.Payments, new BillItem(wish.Traveller, "hotel", price));
        });
    }
}

/// <summary>Reserves cars.</summary>
public sealed class CarAgent(TripWorld world) : Agent<TripLog>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<TripLog> agent)
    {
        var reserve = TripAgents.Booking(agent, world, "reserve-car");
        agent.On<ReserveCar>(async (wish, context) =>
        {
            var car = await context.ActAsync(reserve, $"car for {wish.Traveller} in {wish.City}");
            context.State = new TripLog { Lines = [.. context.State.Lines, car] };
        });
    }
}

/// <summary>The bill so far.</summary>
public sealed record Bill
{
    /// <summary>Its items.</summary>
    public IReadOnlyList<BillItem> Items { get; init; } = [];
}

/// <summary>Joins the bill and charges the card.</summary>
public sealed class PaymentAgent(TripWorld world) : Agent<Bill>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Bill> agent)
    {
        var charge = TripAgents.Booking(agent, world, "charge-card");
        agent.On<BillItem>(async (item, context) =>
        {
            context.State = new Bill { Items = [.. context.State.Items, item] };
            if (context.State.Items.Count < 2)
            {
                return;
            }

            var sum = context.State.Items.Sum(part => part.Amount);
            await context.ActAsync(charge, $"{sum} charged to {item.Traveller}");
            context.Send(TripAgents.Loyalty, new GrantPoints(item.Traveller, sum / 10));
            context.Send(TripAgents.Mailer, new TellTraveller(item.Traveller, $"Your trip is booked and paid: {sum}."));
        });
    }
}

/// <summary>Keeps points.</summary>
public sealed class LoyaltyAgent(TripWorld world) : Agent<TripLog>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<TripLog> agent)
    {
        var grant = TripAgents.Booking(agent, world, "grant-points");
        agent.On<GrantPoints>(async (points, context) =>
        {
            var granted = await context.ActAsync(grant, $"{points.Points} points for {points.Traveller}");
            context.State = new TripLog { Lines = [.. context.State.Lines, granted] };
        });
    }
}

/// <summary>Sends mail, which nothing takes back.</summary>
public sealed class MailAgent(TripWorld world) : Agent<TripLog>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<TripLog> agent)
    {
        var send = agent.Irrevocable<string, string>("send-mail", (text, context) => world.DoAsync(context.IdempotencyKey, text));
        agent.On<TellTraveller>(async (message, context) =>
        {
            var mail = await context.ActAsync(send, $"mail to {message.Traveller}: {message.Text}");
            context.State = new TripLog { Lines = [.. context.State.Lines, mail] };
        });
    }
}
