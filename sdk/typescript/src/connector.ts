/**
 * What a connector implements. Its module exports one value named `connector`, typed as what
 * it is able to do:
 *
 *     export const connector: Connector & Source & Lookup & Destination = { ... };
 *
 * It holds no state: between two calls the host may throw it away, so whatever must survive
 * belongs into a cursor.
 */

import type { Call } from "./call.ts";
import type { Found, LookupRequest } from "./find.ts";
import type { Page, ReadRequest } from "./row.ts";
import type { Stream } from "./stream.ts";
import type { JobState, Report, WriteRequest } from "./write.ts";

/** What every connector implements. Every function may throw a `Fault`. */
export interface Connector {
  /** The streams of this connection. */
  discover(call: Call): Stream[];
  /** Whether settings, credential and host work; changes nothing. It must ask the vendor: a
   * check that only looks at itself is always green. */
  check(call: Call): void;
}

/** A connector that reads. */
export interface Source {
  /** One page. `cursor-expired` makes the hub take a new snapshot. */
  read(call: Call, request: ReadRequest): Page;
}

/** A connector that finds rows. */
export interface Lookup {
  /** One answer per key, in order. */
  lookup(call: Call, request: LookupRequest): Found[];
}

/** A connector that writes. */
export interface Destination {
  /** Writes a batch: one outcome per item, in order. A fault means that nothing was written,
   * except `timeout` and `bug`, which mean that nobody knows. */
  write(call: Call, request: WriteRequest): Report;
  /** How a job stands that a write was accepted into; `not-found` when the vendor has
   * forgotten it. */
  pollJob?(call: Call, job: string): JobState;
}

/** A connector of any abilities. */
export type AnyConnector = Connector & Partial<Source & Lookup & Destination>;

/** What the contract calls what a connector is able to do, besides `connection`. */
export function interfaces(connector: AnyConnector): string[] {
  const able = [
    ["source", connector.read],
    ["lookup", connector.lookup],
    ["destination", connector.write],
  ] as const;
  return able.filter(([, method]) => typeof method === "function").map(([name]) => name);
}
