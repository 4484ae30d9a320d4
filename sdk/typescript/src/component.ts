/**
 * The connector as the exports of a component. The types of the contract's imports and
 * exports come from the WIT text (`liaison-ts types`), and are never committed.
 */

import type * as witConnection from "liaison:connector/connection@0.1.0";
import type * as witDestination from "liaison:connector/destination@0.1.0";
import type * as witLookup from "liaison:connector/lookup@0.1.0";
import type * as witSource from "liaison:connector/source@0.1.0";

import { answered, batch, fault, hints } from "./component/values.ts";
import type { AnyConnector, Destination, Lookup, Source } from "./connector.ts";
import * as exact from "./exact.ts";
import type { JsonObject } from "./exact.ts";
import { Fault } from "./fault.ts";
import type { Found } from "./find.ts";
import { line } from "./row.ts";
import { schemaOf } from "./stream.ts";
import type { Stream } from "./stream.ts";
import { itemOf } from "./write.ts";
import type { Outcome, Report, Stored } from "./write.ts";

export { audience } from "./component/audience.ts";
export { inbound } from "./component/inbound.ts";
export { offer } from "./component/values.ts";

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
      return {
        rows: batch(page.rows),
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
