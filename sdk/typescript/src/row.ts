/** Rows, the request for a page of them, and the page that answers. */

import * as exact from "./exact.ts";
import type { Json, JsonObject } from "./exact.ts";
import { Fault } from "./fault.ts";

/** What is known of a row besides its fields. */
export interface About {
  /** The vendor's version of the row. */
  readonly version?: string;
  /** The vendor's own time of the change, RFC 3339. */
  readonly time?: string;
  /** Who made the change, as far as the vendor tells. */
  readonly origin?: string;
}

/** One row of a page; made by the functions of `row`, one per kind of change. */
export type Row =
  | (About & {
      readonly change: "upsert" | "archive" | "event";
      readonly key: string;
      readonly data: JsonObject;
    })
  | { readonly change: "delete"; readonly key: string }
  | { readonly change: "merged-into"; readonly key: string; readonly into: string }
  | {
      readonly change: "member-add" | "member-remove";
      readonly key: string;
      readonly container: string;
    }
  | {
      readonly change: "invalid";
      readonly key?: string;
      readonly place: string;
      readonly problem: string;
      readonly raw: string;
    };

/** Makes rows. Keys are 1 to 512 bytes of text. */
export const row = {
  /** The row as it is now. */
  upsert: (key: string, data: JsonObject, about: About = {}): Row => ({
    key,
    change: "upsert",
    data,
    ...about,
  }),
  /** The row is archived, and as it is now. */
  archive: (key: string, data: JsonObject, about: About = {}): Row => ({
    key,
    change: "archive",
    data,
    ...about,
  }),
  /** Something happened. */
  event: (key: string, data: JsonObject, about: About = {}): Row => ({
    key,
    change: "event",
    data,
    ...about,
  }),
  /** The row is gone. */
  delete: (key: string): Row => ({ key, change: "delete" }),
  /** The row was merged into another one by its own system. */
  mergedInto: (key: string, into: string): Row => ({ key, change: "merged-into", into }),
  /** The subject joined a container. */
  memberAdd: (key: string, container: string): Row => ({ key, change: "member-add", container }),
  /** The subject left a container. */
  memberRemove: (key: string, container: string): Row => ({
    key,
    change: "member-remove",
    container,
  }),
  /** A row that cannot be read: the hub keeps its text in quarantine and goes on with the
   * page. `place` says where (`line 17`), `problem` what, as a word. */
  invalid: (key: string | undefined, place: string, problem: string, raw: string): Row => ({
    ...(key === undefined ? {} : { key }),
    change: "invalid",
    place,
    problem,
    raw,
  }),
};

/** A row's line of NDJSON, without the line break. */
export function line(row: Row): string {
  return exact.write(row as unknown as JsonObject);
}

/** What to read. */
export interface ReadRequest {
  /** The stream. */
  readonly stream: string;
  /** Where to go on; none starts a new snapshot. */
  readonly cursor?: Uint8Array | undefined;
  /** Fields that are mapped; empty = all. */
  readonly fields: readonly string[];
  /** So many rows would be welcome. */
  readonly rowsWanted: number;
}

/** A request for the beginning of a stream, as a test makes it, or after a page. */
export function reading(stream: string, after?: Page): ReadRequest {
  return { stream, cursor: after?.next, fields: [], rowsWanted: 1_000 };
}

/**
 * The cursor of a request as the JSON value that `moreFrom` was given; none = none.
 *
 * Throws `cursor-expired` when it is no JSON: the hub then takes a new snapshot.
 */
export function cursorOf(request: ReadRequest): Json | undefined {
  if (request.cursor === undefined) return undefined;
  try {
    return exact.parse(new TextDecoder("utf-8", { fatal: true }).decode(request.cursor));
  } catch {
    throw new Fault("cursor-expired");
  }
}

/** What the vendor's answer says about its limits. */
export interface RateHint {
  /** `account`, `app` or an endpoint's name, as in the manifest's budgets. */
  readonly scope: string;
  /** Calls or cost points that remain in the window. */
  readonly remaining?: number;
  /** Calls or cost points of a whole window. */
  readonly limit?: number;
  /** Seconds until the window renews. */
  readonly resetAfterSeconds?: number;
  /** What the last call cost. */
  readonly cost?: number;
}

/** Something a person should know although the call succeeded. */
export interface Notice {
  /** `deprecation`, `sunset`, `api-version`. */
  readonly topic: string;
  /** Named arguments, such as `date` and `link`. */
  readonly args: [string, string][];
}

/** What a call learned besides its answer. */
export interface Hints {
  /** Limits. */
  readonly rates: RateHint[];
  /** Deprecations and warnings. */
  readonly notices: Notice[];
}

/** Nothing was learned besides. */
export const NO_HINTS: Hints = { rates: [], notices: [] };

/** What one read call returns: rows after which there is nothing more for now and no
 * position to go on from, unless a method says otherwise. */
export class Page {
  readonly rows: readonly Row[];
  /** Where to go on after this page; none = anew. */
  next: Uint8Array | undefined;
  /** There is more to read now. */
  more = false;
  /** The snapshot that began without a cursor is complete. */
  snapshotComplete = false;
  /** Rows up to this point of the vendor's order are complete. */
  watermark: string | undefined;
  /** The vendor wants to be left alone for so long. */
  pollAfterSeconds: number | undefined;
  /** What the call learned besides. */
  hints: Hints = NO_HINTS;

  constructor(rows: readonly Row[]) {
    this.rows = rows;
  }

  /** There is more; go on from here. */
  moreFrom(cursor: Json): this {
    this.more = true;
    return this.nextFrom(cursor);
  }

  /** Nothing more for now; next time go on from here. */
  nextFrom(cursor: Json): this {
    this.next = new TextEncoder().encode(exact.write(cursor));
    return this;
  }

  /** The snapshot is complete with this page: rows not seen since it began no longer exist.
   * Never say it of a page that may lack rows. */
  complete(): this {
    this.snapshotComplete = true;
    return this;
  }

  /** The vendor wants to be left alone for so long. */
  pollAfter(seconds: number): this {
    this.pollAfterSeconds = seconds;
    return this;
  }
}
