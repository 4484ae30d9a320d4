/**
 * Log, clock and randomness: the host's, so that a recorded call replays to the same
 * answer. `Date.now()`, `Math.random()` and `fetch` are not those of the machine.
 */

import { current } from "./host.ts";

/** Messages for the run's log. Never log customers' values. */
export const log = {
  /** For the author of the connector. */
  debug: (message: string): void => current().log("debug", message),
  /** For the curious. */
  info: (message: string): void => current().log("info", message),
  /** Something is odd; the call goes on. */
  warn: (message: string): void => current().log("warn", message),
  /** The call fails. */
  error: (message: string): void => current().log("error", message),
};

/** The only clock. It stands still during a call. */
export const clock = {
  /** Microseconds since 1970-01-01T00:00:00Z: exact until the year 2255. */
  now: (): number => current().now(),
};

/** The only randomness: seeded per call. */
export const random = {
  /** So many bytes, at most 65,536. */
  bytes: (count: number): Uint8Array => current().random(count),
};
