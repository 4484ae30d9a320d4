import assert from "node:assert/strict";
import { test } from "node:test";

import { Fault, callWith, http, item, reportOfEach, row, settings, time } from "../src/index.ts";
import type { FaultCode, Outcome } from "../src/index.ts";
import { line } from "../src/row.ts";
import { exchange, script } from "../src/testing.ts";
import { itemOf } from "../src/write.ts";

function outcomes(...answers: (Outcome["is"] | FaultCode)[]): string[] {
  const faults = ["auth", "rejected", "not-found", "timeout", "schema-drift", "rate-limited"];
  const left = [...answers];
  const report = reportOfEach(answers.map(() => item("update", { key: "7" })), () => {
    const answer = left.shift() as string;
    if (faults.includes(answer)) throw new Fault(answer as FaultCode, "", 9);
    return { is: answer } as Outcome;
  });
  return "items" in report.verdict ? report.verdict.items.map((it) => it.is) : [];
}

test("a fault of one item leaves the others", () => {
  assert.deepEqual(outcomes("not-found", "rejected", "unchanged"), ["conflict", "rejected", "unchanged"]);
});

test("a fault of all is the call's while nothing was written", () => {
  assert.throws(() => outcomes("unchanged", "auth", "deleted"), /auth/);
  assert.deepEqual(outcomes("deleted", "rate-limited", "deleted"), ["deleted", "retry", "retry"]);
});

test("what nobody knows is unknown and ends the batch", () => {
  assert.deepEqual(outcomes("timeout", "deleted"), ["unknown", "retry"]);
  assert.deepEqual(outcomes("schema-drift", "deleted"), ["unknown", "retry"]);
});

test("a status has a usual meaning", () => {
  const cases = [[401, "auth"], [403, "permission"], [404, "not-found"], [409, "conflict"],
    [429, "rate-limited"], [503, "transient"], [422, "rejected"]] as const;
  for (const [status, code] of cases) {
    const fault = new http.Response(status, [["Retry-After", "7"]]).fault();
    assert.deepEqual([fault.code, fault.afterSeconds], [code, status === 429 ? 7 : undefined]);
  }
});

test("settings are what they should be, or say which is not", () => {
  const read = (given: Parameters<typeof callWith>[0]) => () => settings(callWith(given), { url: "string" }, { page: "number" });
  assert.deepEqual(read({ url: "x", page: 7 })(), { url: "x", page: 7 });
  for (const [given, place] of [[{}, "url"], [{ url: 1 }, "url"], [{ url: "x", adress: "" }, "adress"]] as const) {
    assert.throws(read(given), (fault: Fault) => fault.code === "config" && fault.place === place);
  }
});

test("instants are read and written", () => {
  const cases = [["1970-01-01T00:00:00Z", 0], ["2000-02-29T12:00:00.5Z", 951_825_600_500_000],
    ["2026-11-30T12:00:00.1234567+01:00", 1_796_036_400_123_456], ["1969-12-31T23:59:59-00:30", 1_799_000_000]] as const;
  for (const [text, instant] of cases) {
    assert.equal(time.parse(text), instant, text);
    assert.equal(time.parse(time.format(instant)), instant);
  }
  for (const text of ["", "2026-02-28", "2026-02-28T22:30:00", "2026-02-29T22:30:00Z", "2026-02-28T24:30:00Z", "2026-02-28T22:30:00+1:00"]) {
    assert.equal(time.parse(text), undefined, text);
  }
});

test("rows and items are the lines of the contract", () => {
  assert.equal(line(row.upsert("1", { a: null }, { version: "3" })), '{"key":"1","change":"upsert","data":{"a":null},"version":"3"}');
  assert.equal(line(row.invalid(undefined, "line 2", "columns", "x")), '{"change":"invalid","place":"line 2","problem":"columns","raw":"x"}');
  const read = itemOf('{"action":"update","key":"7","patch":{"a":null},"if-version":"3","idempotency-key":"k"}');
  assert.deepEqual(read, item("update", { key: "7", patch: { a: null }, ifVersion: "3", idempotencyKey: "k" }));
});

test("a script names what differs and what was not made", () => {
  const ask = () => exchange("POST", "https://x.test/1").json({ a: [1] });
  const post = (body: { a: number[] }) => () => http.post("https://x.test/1").json(body).send().status;
  assert.equal(script(ask()).run(post({ a: [1] })), 200);
  assert.throws(() => script(ask()).run(post({ a: [2] })), /body of POST/);
  assert.throws(() => script(ask()).run(() => http.get("https://x.test/2").send()), /another request/);
  assert.throws(() => script(ask()).run(() => 1), /not made/);
  assert.throws(() => script(ask().timesOut()).run(post({ a: [1] })), (fault: Fault) => fault.code === "timeout" && fault.place === "x.test");
});
