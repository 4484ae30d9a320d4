/** Values that more than one interface speaks about, and what a call comes to. */

import type * as wit from "liaison:connector/types@0.1.0";

import { Fault } from "../fault.ts";
import type { FaultCode } from "../fault.ts";
import * as host from "../host.ts";
import { line } from "../row.ts";
import type { Hints, Row } from "../row.ts";
import { IMPORTS } from "./imports.ts";

let here = IMPORTS;

/** What the connector uses besides what every component has. */
export function offer(more: Partial<host.Host>): void {
  here = { ...here, ...more };
}

/** Runs a call: a fault is the contract's, and any other error a bug that names its kind,
 * without its words, which may quote a customer's value. */
export function answered<T>(work: () => T): T {
  host.become(here);
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) throw fault(error);
    const place = /([^/\s]+:\d+:\d+)\)?\s*$/m.exec((error as Error)?.stack ?? "")?.[1];
    throw fault(Fault.bug((error as Error)?.name ?? typeof error).at(place ?? ""));
  }
}

export function fault({ code, place, args, afterSeconds }: Fault): wit.Fault {
  return { code: tagged(code, afterSeconds), place, args };
}

function tagged(code: FaultCode, afterSeconds: number | undefined): wit.FaultCode {
  if (code === "rate-limited" || code === "quota-exhausted") return { tag: code, val: afterSeconds };
  return { tag: code };
}

export function hints({ rates, notices }: Hints): wit.Hints {
  const rate = (it: Hints["rates"][number]): wit.RateHint => ({
    scope: it.scope,
    remaining: it.remaining,
    limit: it.limit,
    resetAfterSeconds: it.resetAfterSeconds,
    cost: it.cost,
  });
  return { rates: rates.map(rate), notices };
}

/** Rows as NDJSON. */
export function batch(rows: readonly Row[]): wit.Batch {
  const data = new TextEncoder().encode(rows.map((row) => `${line(row)}\n`).join(""));
  return { format: "ndjson", count: rows.length, data };
}
