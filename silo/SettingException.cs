namespace OrleansRecovery.Silo;

/// <summary>A setting with which the silo cannot be started. The message says which, and what to give instead.</summary>
internal sealed class SettingException : Exception
{
    public SettingException(string message)
        : base(message)
    {
    }

    public SettingException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
