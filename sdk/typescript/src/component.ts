/**
 * The connector as the exports of a component. The types of the contract's imports and
 * exports come from the WIT text (`liaison-ts types`), and are never committed.
 */

import * as witClock from "liaison:connector/clock@0.1.0";
import * as witHttp from "liaison:connector/http@0.1.0";
import * as witLog from "liaison:connector/log@0.1.0";
import * as witRandom from "liaison:connector/random@0.1.0";

import type * as witConnection from "liaison:connector/connection@0.1.0";
import type * as witDestination from "liaison:connector/destination@0.1.0";
import type * as witLookup from "liaison:connector/lookup@0.1.0";
import type * as witSource from "liaison:connector/source@0.1.0";
import type * as wit from "liaison:connector/types@0.1.0";

import type { AnyConnector, Destination, Lookup, Source } from "./connector.ts";
import * as exact from "./exact.ts";
import type { JsonObject } from "./exact.ts";
import { Fault } from "./fault.ts";
import type { FaultCode } from "./fault.ts";
import type { Found } from "./find.ts";
import * as host from "./host.ts";
import type { Answered, Host, Level, Sent } from "./host.ts";
import { line } from "./row.ts";
import type { Hints } from "./row.ts";
import { schemaOf } from "./stream.ts";
import type { Stream } from "./stream.ts";
import { itemOf } from "./write.ts";
import type { Outcome, Report, Stored } from "./write.ts";

/** The host as the contract's imports. */
const IMPORTS: Host = {
  send(request: Sent): Answered {
    const headers = request.headers.map(([name, value]) => ({ name, value }));
    try {
      const answer = witHttp.send({ ...request, headers });
      return { ...answer, headers: answer.headers.map(({ name, value }) => [name, value]) };
    } catch (error) {
      throw noResponse((error as { payload?: witHttp.Error }).payload ?? (error as witHttp.Error));
    }
  },
  log: (level: Level, message: string): void => witLog.write(level, message),
  now: (): number => Number(witClock.now()),
  random: (count: number): Uint8Array => witRandom.bytes(count),
};

function noResponse(error: witHttp.Error): Fault {
  switch (error.tag) {
    case "denied":
      return new Fault("host-denied").with("why", error.val);
    case "timeout":
      return new Fault("timeout");
    case "connect":
      return new Fault("unreachable").with("why", error.val);
    case "too-large":
      return new Fault("limit").with("bytes-max", String(error.val));
    case "budget-exhausted":
      return new Fault("limit").with("why", "requests per call");
    case "invalid":
      return new Fault("bug").with("why", error.val);
    case "credential":
      return new Fault("auth").with("why", error.val);
    case "broken":
      // It may have had an effect, just as after a timeout.
      return new Fault("timeout").with("why", error.val);
    case "not-supported":
      return new Fault("not-supported").with("why", "http");
  }
}

/** Runs a call: a fault is the contract's, and any other error a bug that names its kind,
 * without its words, which may quote a customer's value. */
function answered<T>(work: () => T): T {
  host.become(IMPORTS);
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) throw fault(error);
    const place = /([^/\s]+:\d+:\d+)\)?\s*$/m.exec((error as Error)?.stack ?? "")?.[1];
    throw fault(Fault.bug((error as Error)?.name ?? typeof error).at(place ?? ""));
  }
}

/** The interface `connection`. */
export const connection = (connector: AnyConnector): typeof witConnection => ({
  check: (call) => answered(() => connector.check(call)),
  discover: (call) => answered(() => connector.discover(call).map(stream)),
});

/** The interface `source`. */
export const source = (connector: Source): typeof witSource => ({
  read: (call, request) =>
    answered(() => {
      const page = connector.read(call, request);
      const data = new TextEncoder().encode(page.rows.map((row) => `${line(row)}\n`).join(""));
      return {
        rows: { format: "ndjson", count: page.rows.length, data },
        next: page.next,
        more: page.more,
        snapshotComplete: page.snapshotComplete ? 0n : undefined,
        watermark: page.watermark,
        pollAfterSeconds: page.pollAfterSeconds,
        hints: hints(page.hints),
      };
    }),
});

/** The interface `lookup`. */
export const lookup = (connector: Lookup): typeof witLookup => ({
  lookup: (call, request) =>
    answered(() => {
      const keys = request.keys.map((key) =>
        key.tag === "key"
          ? { by: "key" as const, key: key.val }
          : { by: "fields" as const, fields: exact.parse(key.val) as JsonObject },
      );
      return connector.lookup(call, { ...request, keys }).map(found);
    }),
});

function found(found: Found): witLookup.Found {
  if (found === undefined) return { tag: "none" };
  return Array.isArray(found) ? { tag: "several", val: found } : { tag: "one", val: line(found) };
}

/** The interface `destination`. */
export const destination = (connector: Destination): typeof witDestination => ({
  write: (call, request) =>
    answered(() => {
      if (request.items.format !== "ndjson") throw Fault.notSupported("items as MessagePack");
      const lines = new TextDecoder().decode(request.items.data).split("\n");
      const items = lines.filter((line) => line !== "").map(itemOf);
      return report(connector.write(call, { ...request, items }));
    }),
  pollJob: (call, job) =>
    answered(() => {
      if (connector.pollJob === undefined) throw Fault.notSupported("jobs");
      const state = connector.pollJob(call, job);
      switch (state.is) {
        case "running":
          return { tag: "running", val: state.seconds };
        case "done":
          return { tag: "done", val: report(state.report) };
        case "failed":
          return { tag: "failed", val: fault(state.fault) };
      }
    }),
});

function report({ verdict, hints: learned }: Report): witDestination.Report {
  const told: witDestination.Verdict =
    "items" in verdict
      ? { tag: "items", val: verdict.items.map(outcome) }
      : { tag: "aggregate", val: verdict };
  return { verdict: told, hints: hints(learned) };
}

function outcome(outcome: Outcome): witDestination.Outcome {
  switch (outcome.is) {
    case "created":
    case "updated":
      return { tag: outcome.is, val: stored(outcome.stored) };
    case "accepted":
      return { tag: outcome.is, val: outcome.job };
    case "duplicate-of":
      return { tag: outcome.is, val: outcome.key };
    case "retry": {
      const { afterSeconds, fault: why } = outcome;
      return { tag: outcome.is, val: { afterSeconds, fault: fault(why) } };
    }
    case "rejected":
      return { tag: outcome.is, val: fault(outcome.fault) };
    default:
      return { tag: outcome.is };
  }
}

function stored({ key, row, version }: Stored): witDestination.Stored {
  return { key, row: row === undefined ? undefined : exact.write(row), version };
}

function fault({ code, place, args, afterSeconds }: Fault): wit.Fault {
  return { code: tagged(code, afterSeconds), place, args };
}

function tagged(code: FaultCode, afterSeconds: number | undefined): wit.FaultCode {
  if (code === "rate-limited" || code === "quota-exhausted") return { tag: code, val: afterSeconds };
  return { tag: code };
}

function hints({ rates, notices }: Hints): wit.Hints {
  const rate = (it: Hints["rates"][number]): wit.RateHint => ({
    scope: it.scope,
    remaining: it.remaining,
    limit: it.limit,
    resetAfterSeconds: it.resetAfterSeconds,
    cost: it.cost,
  });
  return { rates: rates.map(rate), notices };
}

function stream(stream: Stream): witConnection.StreamInfo {
  const rules = stream.batches ?? {};
  const fields = stream.fields.map((it) => ({
    name: it.name,
    title: it.title ?? "",
    readOnly: it.readOnly ?? false,
    createOnly: it.createOnly ?? false,
    required: it.required ?? false,
    matchable: it.matchable ?? false,
    unique: it.unique ?? false,
    pii: it.pii ?? "",
    hashProfile: it.hashProfile ?? "",
    hasChoices: it.hasChoices ?? false,
  }));
  return {
    name: stream.name,
    title: stream.title ?? "",
    kind: stream.kind ?? "person",
    readable: stream.readable ?? false,
    writable: stream.writable ?? false,
    primaryKey: stream.primaryKey ?? [],
    cursorField: stream.cursorField,
    completeSnapshots: stream.completeSnapshots ?? false,
    conditionalWrites: stream.conditionalWrites ?? false,
    idempotency: stream.idempotency ?? "none",
    dryRun: stream.dryRun ?? false,
    batches: {
      itemsMax: rules.itemsMax ?? 100,
      itemsMin: rules.itemsMin ?? 0,
      bytesMax: rules.bytesMax ?? 1024 * 1024,
      itemBytesMax: rules.itemBytesMax ?? 256 * 1024,
      groupBy: rules.groupBy ?? [],
      uniqueKeys: rules.uniqueKeys ?? false,
      ordered: rules.ordered ?? false,
      atomic: rules.atomic ?? false,
    },
    purposes: stream.purposes ?? [],
    originField: stream.originField,
    schema: schemaOf(stream),
    fields,
  };
}
