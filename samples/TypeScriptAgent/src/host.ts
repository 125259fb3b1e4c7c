// Requests to the host, repeated as the draft says: no connection, or a status that passes.
import { setTimeout as sleep } from "node:timers/promises";

const REPEATED = new Set([408, 429, 500, 502, 503, 504]);

/** The host refused a request: the same one again would be refused again. */
export class Refused extends Error {
  constructor(readonly status: number, text: string) {
    super(text);
  }
}

let hosts = ["http://127.0.0.1:7400"];

/** Any silo of a cluster will do: of several hosts the next is tried when one does not answer. */
export const use = (list: string[]) => void (hosts = list);

export async function call(method: string, path: string, body?: unknown, type = "application/json", again = () => true): Promise<any> {
  for (let pause = 100; again(); pause = Math.min(pause * 2, 5000)) {
    const tried = hosts;
    try {
      const response = await fetch(tried[0] + path, {
        method, redirect: "error", signal: AbortSignal.timeout(35_000),
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "content-type": type } }),
      });
      const text = await response.text();
      if (response.ok) return text ? JSON.parse(text) : null;
      if (!REPEATED.has(response.status)) throw new Refused(response.status, text);
      pause = Math.max(pause, 1000 * Number(response.headers.get("retry-after") ?? 0));
    } catch (failure) {
      if (failure instanceof Refused) throw failure;
    }
    if (hosts === tried) hosts = [...tried.slice(1), tried[0]]; // and not on to another one already
    await sleep(pause * (0.5 + Math.random()));
  }
  return null;
}
