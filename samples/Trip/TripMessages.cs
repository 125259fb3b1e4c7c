namespace OrleansRecovery.Samples.Trip;

/// <summary>What the traveller wants.</summary>
/// <param name="Traveller">Who.</param>
/// <param name="City">Where to.</param>
public sealed record TripRequest(string Traveller, string City);

/// <summary>To flights: book one.</summary>
/// <param name="Traveller">Who.</param>
/// <param name="City">Where to.</param>
public sealed record BookFlight(string Traveller, string City);

/// <summary>To hotel: book a room.</summary>
/// <param name="Traveller">Who.</param>
/// <param name="City">Where.</param>
public sealed record BookHotel(string Traveller, string City);

/// <summary>To car: reserve one.</summary>
/// <param name="Traveller">Who.</param>
/// <param name="City">Where.</param>
public sealed record ReserveCar(string Traveller, string City);

/// <summary>To payments: one part of the bill.</summary>
/// <param name="Traveller">Who pays.</param>
/// <param name="What">For what.</param>
/// <param name="Amount">How much.</param>
public sealed record BillItem(string Traveller, string What, int Amount);

/// <summary>To loyalty: points.</summary>
/// <param name="Traveller">Whose.</param>
/// <param name="Points">How many.</param>
public sealed record GrantPoints(string Traveller, int Points);

/// <summary>To mailer: tell the traveller.</summary>
/// <param name="Traveller">Whom.</param>
/// <param name="Text">What.</param>
public sealed record TellTraveller(string Traveller, string Text);
