/** The seam to the host: in a component the contract's imports, in a test a script. */

import type { Crypto } from "./crypto.ts";
import { Fault } from "./fault.ts";
import type { Files } from "./files.ts";
import type { Mail } from "./mail.ts";

/** A header. */
export type Header = readonly [name: string, value: string];

/** A request as the host receives it. */
export interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
  readonly credential: string | undefined;
}

/** What came back, whatever its status. */
export interface Answered {
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
}

/** How much a message matters. */
export type Level = "debug" | "info" | "warn" | "error";

/** What a connector may ask for, and nothing else. */
export interface Host {
  /** Sends a request. Throws a fault where there is no response. */
  send(request: Sent): Answered;
  /** Writes one line. */
  log(level: Level, message: string): void;
  /** Microseconds since 1970; it stands still during a call. */
  now(): number;
  /** So many bytes, seeded per call. */
  random(count: number): Uint8Array;
  /** Granted folders, where the connector uses them. */
  readonly files?: Files | undefined;
  /** Granted servers for mail, where the connector uses them. */
  readonly mail?: Mail | undefined;
  /** Keys, where the connector uses them. */
  readonly crypto?: Crypto | undefined;
}

let here: Host | undefined;

/** The host of this call. */
export function current(): Host {
  if (here === undefined) {
    throw Fault.bug("the host was called outside of a call; in a test, use testing.Script");
  }
  return here;
}

/** Takes a host's place; the one that was there. */
export function become(host: Host | undefined): Host | undefined {
  const before = here;
  here = host;
  return before;
}

/** What only some connectors ask for. */
export function offered<Name extends "files" | "mail" | "crypto">(name: Name): NonNullable<Host[Name]> {
  const own = current()[name];
  if (own === undefined) throw Fault.notSupported(name);
  return own;
}

/** Does something whose fault is at a place. */
export function at<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Fault ? error.at(place) : error;
  }
}
