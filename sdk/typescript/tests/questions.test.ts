/** An example per question: how deletes are told, what becomes of a batch of which some is
 * refused, and of one that the vendor takes in as a job. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Fault, callWith, field, http, item, paginate, reading, report, row, time } from "../src/index.ts";
import type { Connector, Destination, Outcome, Row, Source } from "../src/index.ts";
import { exchange, script } from "../src/testing.ts";

const CALL = callWith({});
const CUSTOMERS = "https://crm.example/customers";
const JOBS = "https://crm.example/jobs";
const RULES = {
  limit: 2,
  precisionMicros: time.SECOND_MICROS,
  overlapMicros: 60 * time.SECOND_MICROS,
};

type Customer = { id: string; name: string; changed: string; deleted: boolean };
type Job = { id: string; keys?: string[]; refused?: Record<string, string> };

/** A CRM that tells what changed since a time, deletes among it, and takes batches in. */
const crm: Connector & Source & Required<Destination> = {
  discover: () => [{ name: "customers", fields: [field.text("name")], readable: true, writable: true }],
  check() {},

  read(_, asked) {
    const position = paginate.Since.of(asked);
    const ask = http.get(CUSTOMERS).query("skip", position.offset);
    if (position.since !== undefined) ask.query("since", time.format(position.since));
    const customers = ask.send().expectSuccess().json() as Customer[];
    return position.page(customers.map((it) => [changed(it), shown(it)]), RULES);
  },

  write(_, { items }) {
    const job = http.post(JOBS).json(items.map((it) => it.patch)).send().expectSuccess().json() as Job;
    return report(items.map(() => ({ is: "accepted", job: job.id })));
  },

  pollJob(_, job) {
    // One that the vendor has forgotten is `not-found`: the hub looks the rows up.
    const { keys, refused } = http.get(`${JOBS}/${job}`).send().expectSuccess().json() as Job;
    if (keys === undefined) return { is: "running", seconds: 30 };
    // One outcome per item, in the order in which they were sent.
    return { is: "done", report: report(keys.map((key) => outcome(key, refused?.[key]))) };
  },
};

function changed(customer: Customer): number {
  const instant = time.parse(customer.changed);
  if (instant === undefined) throw Fault.drift("changed", "an instant");
  return instant;
}

/** A row that is gone is told as what it is: a snapshot would not show it either. */
function shown({ id, name, deleted }: Customer): Row {
  return deleted ? row.delete(id) : row.upsert(id, { name });
}

function outcome(key: string, why: string | undefined): Outcome {
  if (why === undefined) return { is: "updated", stored: { key } };
  return { is: "rejected", fault: new Fault("rejected").vendor("", why) };
}

const customer = (id: string, minute: string, deleted = false): Customer => ({
  id,
  name: "Ana",
  changed: `2026-11-30T12:${minute}:00Z`,
  deleted,
});

test("deletes come as rows, and the next reading overlaps", () => {
  const since = (minute: string): string => `${CUSTOMERS}?skip=0&since=2026-11-30T12%3A${minute}%3A00Z`;
  const met = script(
    exchange("GET", `${CUSTOMERS}?skip=0`).reply(200, [customer("1", "01"), customer("2", "09")]),
    exchange("GET", since("09")).reply(200, [customer("2", "09", true)]),
    exchange("GET", since("08")).reply(200, []),
  );
  const [first, second, third] = met.run(() => {
    const first = crm.read(CALL, reading("customers"));
    const second = crm.read(CALL, reading("customers", first));
    return [first, second, crm.read(CALL, reading("customers", second))] as const;
  });
  const changes = [...first.rows, ...second.rows].map((it) => it.change);
  assert.deepEqual(changes, ["upsert", "upsert", "delete"]);
  assert.ok(first.more && !second.more);
  assert.deepEqual(third.next, second.next);
});

test("jobs are asked for, and a partial failure names its items", () => {
  const items = ["1", "2"].map((key) => item("update", { key, patch: { name: "Ana" } }));
  const post = exchange("POST", JOBS).json([{ name: "Ana" }, { name: "Ana" }]).reply(202, { id: "7" });
  const written = script(post).run(() => crm.write(CALL, { stream: "customers", items, dryRun: false }));
  const accepted = { is: "accepted", job: "7" };
  assert.deepEqual(written.verdict, { items: [accepted, accepted] });
  const poll = (answer: { keys?: string[]; refused?: Record<string, string> }) =>
    script(exchange("GET", `${JOBS}/7`).reply(200, { id: "7", ...answer })).run(() => crm.pollJob(CALL, "7"));
  assert.deepEqual(poll({}), { is: "running", seconds: 30 });
  const done = poll({ keys: ["1", "2"], refused: { "2": "no such country" } });
  const outcomes = [outcome("1", undefined), outcome("2", "no such country")];
  assert.deepEqual(done, { is: "done", report: report(outcomes) });
});
