/** Writing: the items, and one outcome for each of them. */

import * as exact from "./exact.ts";
import type { JsonObject } from "./exact.ts";
import { Fault } from "./fault.ts";
import { NO_HINTS } from "./row.ts";
import type { Hints } from "./row.ts";

/** What to do with one item. */
export type Action = "create" | "update" | "archive" | "delete";

/** A permission, or its refusal, that travels with an item. */
export interface Consent {
  /** The purpose, in the organisation's words. */
  readonly purpose: string;
  /** Granted or refused. */
  readonly granted: boolean;
  /** Since when, RFC 3339. */
  readonly since: string;
  /** Where it was given. */
  readonly source: string;
}

/** One item of a write. */
export interface WriteItem {
  /** What to do. */
  readonly action: Action;
  /** The row, where it is known. */
  readonly key?: string;
  /** An absent field is left alone, null clears, a value sets. */
  readonly patch: JsonObject;
  /** Fields that find the row where no key is known. */
  readonly matching: JsonObject;
  /** Write only if the row still has this version. */
  readonly ifVersion?: string;
  /** Stable across retries of the same content. */
  readonly idempotencyKey: string;
  /** Consents that travel along. */
  readonly consents: readonly Consent[];
  /** How long the vendor may keep it. */
  readonly ttlSeconds?: number;
}

/** An item as a test makes it. */
export function item(action: Action, more: Partial<WriteItem> = {}): WriteItem {
  return { action, patch: {}, matching: {}, idempotencyKey: "", consents: [], ...more };
}

/** The item of a line of the hub's. */
export function itemOf(line: string): WriteItem {
  const it = exact.parse(line) as JsonObject;
  const optional = (name: string, as: string): JsonObject =>
    it[name] === undefined || it[name] === null ? {} : { [as]: it[name] };
  return item(it["action"] as Action, {
    ...optional("key", "key"),
    ...optional("patch", "patch"),
    ...optional("match", "matching"),
    ...optional("if-version", "ifVersion"),
    ...optional("idempotency-key", "idempotencyKey"),
    ...optional("consents", "consents"),
    ...optional("ttl-seconds", "ttlSeconds"),
  } as Partial<WriteItem>);
}

/** The key of an item's row. Throws `bug` where it is not known. */
export function keyOf(item: WriteItem): string {
  if (item.key === undefined) throw Fault.bug("an item without a key");
  return item.key;
}

/** A batch to write. */
export interface WriteRequest {
  /** The stream. */
  readonly stream: string;
  /** The items, within the stream's batch rules. */
  readonly items: readonly WriteItem[];
  /** Validate only, where the vendor can. */
  readonly dryRun: boolean;
}

/** Refuses more items than a write may have. Throws `rejected`. */
export function expectAtMost(request: WriteRequest, itemsMax: number): void {
  atMost("items", request.items.length, itemsMax);
}

/** Refuses more items at a place than a write may have. */
export function atMost(place: string, items: number, itemsMax: number): void {
  if (items <= itemsMax) return;
  throw new Fault("rejected", place).with("items-max", itemsMax).with("items", items);
}

/** A row as the vendor stored it. */
export interface Stored {
  /** Its key. */
  readonly key: string;
  /** The row, as far as the vendor returned it. What it normalised must be visible here. */
  readonly row?: JsonObject;
  /** Its version. */
  readonly version?: string;
}

/**
 * What became of one item. An HTTP status is not an outcome: the connector decides.
 *
 * - `created`, `updated`: a row was created or changed.
 * - `unchanged`: the row already was so.
 * - `deleted`: the row was deleted or archived.
 * - `accepted`: taken in; the result comes with the job.
 * - `duplicate-of`: the vendor has this already, under that key.
 * - `conflict`: the row has another version now, or is gone.
 * - `retry`: not now, and not before so many seconds; nothing was written.
 * - `rejected`: refused for its content; nothing was written.
 * - `unknown`: it cannot be known whether it was written.
 */
export type Outcome =
  | { readonly is: "created" | "updated"; readonly stored: Stored }
  | { readonly is: "unchanged" | "deleted" | "conflict" | "unknown" }
  | { readonly is: "accepted"; readonly job: string }
  | { readonly is: "duplicate-of"; readonly key: string }
  | { readonly is: "retry"; readonly afterSeconds: number | undefined; readonly fault: Fault }
  | { readonly is: "rejected"; readonly fault: Fault };

/** The answer to a write: one outcome per item, in order; or counts, from vendors that never
 * say which item failed. */
export interface Report {
  readonly verdict:
    | { readonly items: Outcome[] }
    | { readonly received: number; readonly invalid: number };
  /** What the call learned besides. */
  readonly hints: Hints;
}

/** A report of these outcomes. */
export function report(items: Outcome[], hints: Hints = NO_HINTS): Report {
  return { verdict: { items }, hints };
}

/**
 * Writes items one after the other, for vendors that take one at a time, and makes of each
 * fault what it means for the batch:
 *
 * - a fault of the item alone (refused, gone, changed meanwhile) is its outcome, and the
 *   next item follows;
 * - after a timeout, or an answer that cannot be read, nobody knows whether the item was
 *   written: `unknown`, and nothing more is tried;
 * - any other fault (credential, limit, outage) would meet the next item too: it and those
 *   after it are tried later. Where nothing was written before, it is thrown.
 */
export function reportOfEach(
  items: readonly WriteItem[],
  write: (item: WriteItem) => Outcome,
): Report {
  const outcomes: Outcome[] = [];
  for (const item of items) {
    let fault: Fault;
    try {
      outcomes.push(write(item));
      continue;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault = error;
    }
    switch (fault.code) {
      case "conflict":
      case "not-found":
        outcomes.push({ is: "conflict" });
        continue;
      case "rejected":
      case "row-invalid":
      case "not-supported":
        outcomes.push({ is: "rejected", fault });
        continue;
      case "timeout":
      case "schema-drift":
      case "bug":
        outcomes.push({ is: "unknown" });
        break;
      default:
        if (!outcomes.some(isWritten)) throw fault;
    }
    while (outcomes.length < items.length) {
      outcomes.push({ is: "retry", afterSeconds: fault.afterSeconds, fault });
    }
    break;
  }
  return report(outcomes);
}

/** What a fault means for items while others of their write were sent. */
export function outcomeAfter(fault: Fault): Outcome {
  switch (fault.code) {
    case "timeout":
    case "schema-drift":
    case "bug":
      return { is: "unknown" };
    case "rejected":
      return { is: "rejected", fault };
    default:
      return { is: "retry", afterSeconds: fault.afterSeconds, fault };
  }
}

/** Whether the vendor has, or may have, done something. */
function isWritten(outcome: Outcome): boolean {
  return ["created", "updated", "deleted", "accepted", "unknown"].includes(outcome.is);
}

/** How a vendor's job stands: not finished (ask again after so many seconds), finished with
 * the outcomes in the order in which the items were sent, or failed as a whole. */
export type JobState =
  | { readonly is: "running"; readonly seconds: number }
  | { readonly is: "done"; readonly report: Report }
  | { readonly is: "failed"; readonly fault: Fault };
