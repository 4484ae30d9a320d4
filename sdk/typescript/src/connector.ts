/**
 * What a connector implements. Its module exports one value named `connector`, typed as what
 * it is able to do:
 *
 *     export const connector: Connector & Source & Lookup & Destination = { ... };
 *
 * It holds no state: between two calls the host may throw it away, so whatever must survive
 * belongs into a cursor.
 */

import type { Container, ContainerPage, ContainerWish, MemberReport, MemberRequest } from "./audience.ts";
import type { Call } from "./call.ts";
import type { Found, LookupRequest } from "./find.ts";
import type { Delivery, Parsed, Reply, Subscription } from "./inbound.ts";
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

/** A connector whose vendor has audiences; see `audience.ts`. */
export interface Audience {
  /** The containers there are, a page at a time; `cursor-expired` for a cursor that leads
   * nowhere. */
  containers(call: Call, cursor: Uint8Array | undefined): ContainerPage;
  /** The container as wished: found or created, never doubled; `not-found` for a key that
   * does not exist. */
  ensureContainer(call: Call, wish: ContainerWish): Container;
  /** Removes a container; `not-found` when there is none. */
  deleteContainer(call: Call, key: string): void;
  /** Adds and removes members, or replaces all of them within a session. A fault means that
   * nothing was changed, except `timeout` and `bug`, which mean that nobody knows. */
  writeMembers(call: Call, request: MemberRequest): MemberReport;
}

/** A connector whose vendor pushes; see `inbound.ts`. */
export interface Inbound {
  /** What a delivery means; one delivery may mean several things. Asked again about the same
   * delivery it must say the same. A delivery that throws a fault goes to quarantine as it
   * is. */
  parse(call: Call, delivery: Delivery): readonly Parsed[];
  /** The answer to a challenge; none = an ordinary delivery. Asked only where the manifest
   * says `handshake`. */
  handshake?(call: Call, delivery: Delivery): Reply | undefined;
  /** Asks the vendor to deliver to an address; left out where a person has to. */
  register?(call: Call, address: string, streams: readonly string[]): Subscription;
  /** Renews a subscription that would expire. */
  renew?(call: Call, id: string): Subscription;
  /** Ends a subscription. */
  unregister?(call: Call, id: string): void;
}

/** A connector of any abilities. */
export type AnyConnector = Connector & Partial<Source & Lookup & Destination & Audience & Inbound>;

/** What the contract calls what a connector is able to do, besides `connection`. */
export function interfaces(connector: AnyConnector): string[] {
  const able = [
    ["source", connector.read],
    ["lookup", connector.lookup],
    ["destination", connector.write],
    ["audience", connector.writeMembers],
    ["inbound", connector.parse],
  ] as const;
  return able.filter(([, method]) => typeof method === "function").map(([name]) => name);
}
