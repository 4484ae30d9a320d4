/** What the connector asks and what it makes of the answers, without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Fault, callWith, item, reading } from "liaison-sdk";
import type { Outcome, WriteItem } from "liaison-sdk";
import { exchange, script } from "liaison-sdk/testing";
import type { Exchange } from "liaison-sdk/testing";

import { STREAM, connector } from "./connector.ts";

const URL = "https://api.example.com/contacts";
const CALL = callWith({ url: "https://api.example.com/" });
const ANA = { id: "1", version: 3, name: "Ana", email: "ana@x.fr" };

const ask = (method: string, rest = ""): Exchange => exchange(method, URL + rest).credential("token");
const withCode = (code: string) => (fault: Fault) => fault.code === code;

function write(item: WriteItem, met: Exchange): Outcome | undefined {
  const request = { stream: STREAM, items: [item], dryRun: false };
  const { verdict } = script(met).run(() => connector.write(CALL, request));
  return "items" in verdict ? verdict.items[0] : undefined;
}

test("reading follows the token to the end", () => {
  const exchanges = [
    ask("GET", "?limit=100").reply(200, { contacts: [ANA], next: "t" }),
    ask("GET", "?limit=100&after=t").reply(200, { contacts: [], next: null }),
  ];
  const [first, second] = script(...exchanges).run(() => {
    const first = connector.read(CALL, reading(STREAM));
    return [first, connector.read(CALL, reading(STREAM, first))] as const;
  });
  const data = { id: "1", name: "Ana", email: "ana@x.fr" };
  assert.deepEqual(first.rows, [{ key: "1", change: "upsert", data, version: "3" }]);
  assert.ok(first.more && second.snapshotComplete);
});

test("contacts are found by key and by address", () => {
  const keys = [
    { by: "key", key: "1" },
    { by: "key", key: "9" },
    { by: "fields", fields: { email: "ana@x.fr" } },
  ] as const;
  const exchanges = [
    ask("GET", "/1").reply(200, ANA),
    ask("GET", "/9").reply(404, "no such contact"),
    ask("GET", "?email=ana%40x.fr").reply(200, { contacts: [ANA] }),
  ];
  const request = { stream: STREAM, keys, fields: [] };
  const found = script(...exchanges).run(() => connector.lookup(CALL, request));
  assert.deepEqual(found.map((it) => it !== undefined), [true, false, true]);
});

test("every answer to a write has its outcome", () => {
  const create = item("create", { patch: { email: "ana@x.fr" }, idempotencyKey: "k" });
  const post = () => ask("POST").header("idempotency-key", "k").json({ email: "ana@x.fr" });
  const row = { id: "1", name: "Ana", email: "ana@x.fr" };
  const stored = { key: "1", row, version: "3" };
  assert.deepEqual(write(create, post().reply(201, ANA)), { is: "created", stored });
  assert.deepEqual(write(create, post().reply(409, { id: "7" })), { is: "duplicate-of", key: "7" });

  const update = item("update", { key: "1", patch: { name: null }, ifVersion: "3" });
  const patch = () => ask("PATCH", "/1").header("if-match", "3").json({ name: null });
  for (const [met, is] of [
    [patch().reply(200, ANA), "updated"],
    [patch().reply(412), "conflict"],
    [patch().reply(404), "conflict"],
    [patch().reply(422, "name is required"), "rejected"],
    [patch().timesOut(), "unknown"],
    [patch().reply(200, "<html>"), "unknown"],
  ] as const) {
    assert.equal(write(update, met)?.is, is);
  }
  assert.throws(() => write(update, patch().reply(401)), withCode("auth"));

  const gone = item("delete", { key: "1" });
  assert.equal(write(gone, ask("DELETE", "/1").reply(204))?.is, "deleted");
  assert.equal(write(gone, ask("DELETE", "/1").reply(200))?.is, "unknown");
});

test("a check asks the API", () => {
  const asked = script(ask("GET", "?limit=1").reply(401));
  assert.throws(() => asked.run(() => connector.check(CALL)), withCode("auth"));
  assert.throws(() => connector.check(callWith({ adress: "" })), withCode("config"));
});
