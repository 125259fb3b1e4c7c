namespace OrleansRecovery.TestMcpServer;

/// <summary>A room that was booked.</summary>
internal sealed record Booking(string Room, string Id);
