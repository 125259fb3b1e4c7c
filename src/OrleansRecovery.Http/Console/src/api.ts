// What the API answers, in its own words (docs/openapi.json), and how it is asked.

export interface Interval { agent: string; number: number }
export interface Residue { agent: string; action?: number; name?: string; reason: string }
export interface RecoveryStatus {
  recovery: string; phase: string; suspects: Interval[]; targets: Record<string, number>; compensations_done: number; compensations_total: number;
  residue: Residue[]; waits_for?: string; plan: number;
}
export interface AgentStatus { agent: string; class: string; incarnation: number; current: number; pending_messages: number; quarantined: boolean }
export interface ExecutionStatus { execution: { tenant: string; execution: string }; phase: string; agents: AgentStatus[]; recoveries: RecoveryStatus[]; pending_messages: number }
export interface ListedExecution { execution: string; phase: string; agents: number; recoveries: number; pending_messages: number; waits_for?: string }
export interface ListedRecovery { execution: string; recovery: RecoveryStatus }
export interface Progress { recovery: string; phase: string; done: number; total: number; subject?: string }
export interface ActionSummary { action: { agent: string; sequence: number }; name: string; class: string; progress: string }
export interface MessageId { sender: string; sequence: number }
export interface Preview {
  targets: Record<string, number>; untouched: string[]; redelivered: MessageId[]; dead: MessageId[]; compensations: ActionSummary[][]; residue: Residue[]; interval_count: number;
}
export interface PastInterval { number: number; incarnation: number; cause: string; at: number; sequence: number; undone?: string; sealed: boolean }
export interface PastSend { sequence: number; interval: number; to: string; type: string }
export interface PastDependency { sequence: number; interval: number; producer: Interval; message?: number; kind: string; strength: string }
export interface PastAction { sequence: number; interval: number; name: string; class: string; progress: string }
export interface PastRestore { sequence: number; recovery: string; target: number; opens: number; at: number }
export interface AgentPast {
  agent: string; class: string; from: number; next: number; intervals: PastInterval[]; sends: PastSend[]; dependencies: PastDependency[]; actions: PastAction[]; restores: PastRestore[];
}
export interface LedgerEntry { kind: string; body: Record<string, unknown>; execution?: string; recovery?: string; actor?: string }
export interface LedgerRecord extends LedgerEntry { position: number; at: number; previous: string; hash: string }
export interface PositionedRecord { sequence: number; record: LedgerRecord }
export interface Verification { sound: number; unsigned: number; open: string[]; fingerprint?: string; head: string; fault?: { line: number; what: string; kind: string } }
export interface IssuerStatus {
  issuer: string; phase: 'closed' | 'open' | 'half_open'; suspended_until?: number; price: number; quota_left: number; admitted: number; refused: number; true: number; false: number;
  keys: number; keys_gone: number;
}
export interface PublicKey { crv: string; kid: string; kty: string; x: string; y: string }
export interface IssuerKey { issuer: string; key: PublicKey; status: 'active' | 'retired' | 'revoked'; until?: number }
export interface Rights { peer?: string; may: string[] }
export type Ruling = 'approve' | 'reject' | 'force' | 'retry';

interface Page<T> { items: T[]; next: string | null }
interface ProblemDocument { title: string; status: number; detail: string; code?: string; error?: string; impact: string; next_step: string }

/** A refusal of the API, or that it cannot be reached: with cause, impact and next step. */
export class Problem extends Error {
  constructor(readonly document: ProblemDocument) {
    super(document.detail);
  }

  static readonly unreachable = new Problem({
    title: 'Unreachable', status: 0, detail: 'The server does not answer.', impact: 'What is shown may be out of date.',
    next_step: 'Look whether the process runs and whether this machine reaches it; then load the page again.',
  });
}

async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: 'same-origin', redirect: 'error' });
  } catch (failure) {
    if (failure instanceof DOMException && failure.name === 'AbortError') throw failure;
    throw Problem.unreachable;
  }
  if (response.ok) return response;
  const text = await response.text();
  try {
    throw new Problem(JSON.parse(text) as ProblemDocument);
  } catch (failure) {
    if (failure instanceof Problem) throw failure;
    throw new Problem({ title: response.statusText, status: response.status, detail: `The answer has the status ${response.status} and no problem document.`, impact: 'Nothing is known of what was asked.', next_step: 'Look into the log of the server, or of a proxy before it.' });
  }
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, { signal: signal ?? null })).json() as Promise<T>;
}

/** All pages, up to a count of items; says whether there are more. */
async function all<T>(path: string, most: number, signal?: AbortSignal, seen?: (count: number) => void): Promise<{ items: T[]; more: boolean }> {
  const items: T[] = [];
  let next: string | null = path;
  while (next !== null && items.length < most) {
    const page: Page<T> = await get<Page<T>>(next, signal);
    items.push(...page.items);
    seen?.(items.length);
    next = page.next ?? null;
  }
  return { items, more: next !== null };
}

async function write<T>(method: string, path: string, body: unknown): Promise<T> {
  const response = await request(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const tenantPath = (tenant: string) => `/v1/tenants/${encodeURIComponent(tenant)}`;
const executionPath = (tenant: string, execution: string) => `${tenantPath(tenant)}/executions/${encodeURIComponent(execution)}`;

export const LISTED_MOST = 5_000;
export const AGENTS_MOST = 20_000;

export const api = {
  rights: (tenant: string) => get<Rights>(`${tenantPath(tenant)}/rights`),
  executions: (tenant: string, signal?: AbortSignal) => all<ListedExecution>(`${tenantPath(tenant)}/executions?limit=200`, LISTED_MOST, signal),
  recoveries: (tenant: string, signal?: AbortSignal) => all<ListedRecovery>(`${tenantPath(tenant)}/recoveries?limit=200`, LISTED_MOST, signal),
  issuers: (tenant: string) => all<IssuerStatus>(`${tenantPath(tenant)}/issuers`, LISTED_MOST),
  reinstate: (tenant: string, issuer: string, by: string, reason: string) =>
    write<void>('POST', `${tenantPath(tenant)}/issuers/${encodeURIComponent(issuer)}/reinstatements`, { by, reason }),
  keys: (tenant: string) => all<IssuerKey>(`${tenantPath(tenant)}/keys`, LISTED_MOST),
  giveKey: (tenant: string, issuer: string, key: PublicKey, by: string, reason: string) =>
    write<IssuerKey>('PUT', `${tenantPath(tenant)}/keys/${encodeURIComponent(key.kid)}`, { issuer, public_key: key, by, reason }),
  retireKey: (tenant: string, kid: string, until: number, by: string, reason: string) =>
    write<IssuerKey>('PUT', `${tenantPath(tenant)}/keys/${encodeURIComponent(kid)}/retired`, { until, by, reason }),
  revokeKey: (tenant: string, kid: string, by: string, reason: string) => write<IssuerKey>('PUT', `${tenantPath(tenant)}/keys/${encodeURIComponent(kid)}/revoked`, { by, reason }),
  ledger: (tenant: string, from: number, limit: number) => get<Page<PositionedRecord>>(`${tenantPath(tenant)}/ledger?from=${from}&limit=${limit}`),
  verification: (tenant: string) => get<Verification>(`${tenantPath(tenant)}/ledger/verification`),
  status: (tenant: string, execution: string, signal?: AbortSignal) => get<ExecutionStatus>(executionPath(tenant, execution), signal),
  plan: (tenant: string, execution: string, suspect: Interval) =>
    get<Preview>(`${executionPath(tenant, execution)}/plan?suspect=${encodeURIComponent(suspect.agent)}/${suspect.number}`),
  history: (tenant: string, execution: string, signal?: AbortSignal, seen?: (count: number) => void) =>
    all<AgentPast>(`${executionPath(tenant, execution)}/history?limit=1000`, AGENTS_MOST, signal, seen),
  entries: (tenant: string, execution: string, signal?: AbortSignal) => all<LedgerEntry>(`${executionPath(tenant, execution)}/entries?limit=1000`, 20_000, signal),
  recovery: (tenant: string, execution: string, recovery: string) => get<RecoveryStatus>(`${executionPath(tenant, execution)}/recoveries/${encodeURIComponent(recovery)}`),
  rule: (tenant: string, execution: string, recovery: string, ruling: Ruling, plan: number, by: string, reason: string) =>
    write<RecoveryStatus>('POST', `${executionPath(tenant, execution)}/recoveries/${encodeURIComponent(recovery)}/rulings`, { ruling, plan, by, reason }),
  pause: (tenant: string, execution: string, value: boolean, by: string, reason: string) =>
    write<ExecutionStatus>('PUT', `${executionPath(tenant, execution)}/paused`, { value, by, reason }),
  events: (tenant: string, execution: string) => new EventSource(`${executionPath(tenant, execution)}/events`),
};
