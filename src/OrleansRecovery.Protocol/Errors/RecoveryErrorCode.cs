namespace OrleansRecovery.Protocol.Errors;

/// <summary>
/// Every error that a user can meet, one number each, never reused. Each has a page <c>docs/errors/REC####.md</c>
/// (what happened, what it means, what to do), which <c>recovery explain</c> prints.
/// </summary>
public enum RecoveryErrorCode
{
    /// <summary>A name (tenant, execution, agent, ...) breaks the rule for names.</summary>
    InvalidName = 1,

    /// <summary>A number is outside its range.</summary>
    InvalidNumber = 2,

    /// <summary>A text is not well-formed JSON, or repeats a member.</summary>
    MalformedJson = 3,

    /// <summary>A message or record has a schema version that this build does not know.</summary>
    UnknownVersion = 4,

    /// <summary>A message has a member that its schema does not name and that its sender marked critical, or misses one that it must have.</summary>
    SchemaViolation = 5,

    /// <summary>A payload is larger than the limit.</summary>
    PayloadTooLarge = 6,

    /// <summary>A request names another tenant's execution.</summary>
    ForeignTenant = 7,

    /// <summary>No execution has this name.</summary>
    UnknownExecution = 8,

    /// <summary>No agent has this name in the execution.</summary>
    UnknownAgent = 9,

    /// <summary>The agent has no such interval, or it is undone already.</summary>
    UnknownInterval = 10,

    /// <summary>No recovery has this id.</summary>
    UnknownRecovery = 11,

    /// <summary>The state machine has no transition for this input in this phase.</summary>
    IllegalTransition = 12,

    /// <summary>A declared dependency would close a cycle in time: the consumer would precede its producer.</summary>
    CyclicDependency = 13,

    /// <summary>A checkpoint's bytes do not match its digest.</summary>
    CorruptCheckpoint = 14,

    /// <summary>The database file is not a database, or is damaged.</summary>
    CorruptDatabase = 15,

    /// <summary>The storage is full.</summary>
    StorageFull = 16,

    /// <summary>The process may not read or write the file.</summary>
    PermissionDenied = 17,

    /// <summary>The database was written by a newer version.</summary>
    NewerSchema = 18,

    /// <summary>Another writer has appended to the stream: this one is stale and fenced.</summary>
    StaleWriter = 19,

    /// <summary>A signature does not verify, or its key is not known.</summary>
    BadSignature = 20,

    /// <summary>A signal is expired, from the future, or about a sealed interval.</summary>
    StaleSignal = 21,

    /// <summary>The issuer may not signal about this agent.</summary>
    NotAuthorized = 22,

    /// <summary>The issuer has used up its quota of signals.</summary>
    QuotaExceeded = 23,

    /// <summary>A type cannot be written and read back as JSON.</summary>
    NotSerializable = 24,

    /// <summary>An agent class is not registered, or is registered twice.</summary>
    AgentNotRegistered = 25,

    /// <summary>A handler did not repeat its recorded steps when it was replayed.</summary>
    NonDeterministicReplay = 26,

    /// <summary>The ledger's chain is broken.</summary>
    BrokenLedger = 27,

    /// <summary>An imported file is not in the format that it is said to be in.</summary>
    BadImport = 28,

    /// <summary>A setting is unknown, contradictory, or out of range.</summary>
    BadConfiguration = 29,

    /// <summary>The database cannot be reached.</summary>
    StorageUnavailable = 30,

    /// <summary>An operator's decision does not fit the recovery's phase.</summary>
    DecisionNotPossible = 31,

    /// <summary>A key file is missing, unreadable, or readable by others.</summary>
    UnsafeKeyFile = 32,

    /// <summary>The host is shutting down or has stopped.</summary>
    HostStopped = 33,

    /// <summary>The execution is paused, stopped or complete, and takes no new message.</summary>
    ExecutionClosed = 34,

    /// <summary>A handler sent to an agent that nobody registered.</summary>
    UndeliverableMessage = 35,

    /// <summary>A grain that takes part in executions was called outside any.</summary>
    NoExecution = 36,

    /// <summary>A call would carry information past the journal: no dependency could be recorded.</summary>
    UntrackedCall = 37,

    /// <summary>Agents wait for each other's responses in a ring.</summary>
    CallCycle = 38,

    /// <summary>A method of a grain interface cannot become a message.</summary>
    UnsupportedMethod = 39,

    /// <summary>A signal with this name was admitted before.</summary>
    RepeatedSignal = 40,

    /// <summary>A key was used before, for other content.</summary>
    ReusedKey = 41,

    /// <summary>The same issuer's earlier signal says the same or more, and is being answered.</summary>
    DampedSignal = 42,

    /// <summary>Too many of the issuer's signals were false: for a while none is admitted.</summary>
    IssuerSuspended = 43,

    /// <summary>The issuers of a tenant together have used up its quota of signals.</summary>
    TenantQuotaExceeded = 44,

    /// <summary>No issuer of the tenant has or had such a key.</summary>
    UnknownKey = 45,

    /// <summary>The contract of a task is not one that can be accepted.</summary>
    InvalidContract = 46,

    /// <summary>The contract of a task asks for more than one thing.</summary>
    CompoundContract = 47,

    /// <summary>The gate of a task let a step not pass.</summary>
    StepRefused = 48,

    /// <summary>A message or a response is JSON that the type of its receiver does not take.</summary>
    UnreadableValue = 49,

    /// <summary>No provider of a tier of models answered.</summary>
    ModelUnavailable = 60,

    /// <summary>A provider of a model refuses the question itself.</summary>
    ModelRefused = 61,

    /// <summary>A model asked for tools again and again.</summary>
    ToolRoundsExceeded = 62,

    /// <summary>A tool cannot be offered, or is not what it was when it was allowed.</summary>
    ToolNotUsable = 63,

    /// <summary>What is given as evidence of a capability has not the form of evidence.</summary>
    MalformedEvidence = 70,

    /// <summary>The evidence of a capability does not prove it to this tenant.</summary>
    UntrustedEvidence = 71,

    /// <summary>Nothing is registered under this name and digest.</summary>
    UnknownCapability = 72,

    /// <summary>Code is not used, since its capability is not active.</summary>
    CapabilityRefused = 73,
}
