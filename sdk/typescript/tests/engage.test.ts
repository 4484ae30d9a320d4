/** Audiences, deliveries, files and mail, against a script. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Delivery,
  Fault,
  callWith,
  crypto,
  expectAtMost,
  expectAtMostMembers,
  field,
  files,
  findContainer,
  hash,
  http,
  identity,
  item,
  mail,
  member,
  memberAfter,
  memberReport,
  members,
  outcomeAfter,
  parsed,
  replyText,
  row,
  wish,
} from "../src/index.ts";
import type { Audience, Connector, ContainerPage, Inbound, MemberRequest } from "../src/index.ts";
import { interfaces } from "../src/connector.ts";
import { exchange, parse, script } from "../src/testing.ts";

const CALL = callWith({});
const { META } = hash.Profile;
const coded = (code: string, place = "") => (fault: unknown) =>
  fault instanceof Fault && fault.code === code && fault.place === place;

const pageOf = (cursor: Uint8Array | undefined): ContainerPage =>
  cursor === undefined
    ? {
        items: [{ key: "12", title: "Customers" }, { key: "9", title: "Leads" }],
        next: new Uint8Array([2]),
      }
    : { items: [{ key: "7", title: "Customers" }] };

const ads: Connector & Audience = {
  discover() {
    const hashProfile = META.annotation("email");
    return [members("members", 2, [field.text("email", { pii: "email", hashProfile })])];
  },
  check() {},
  containers: (_, cursor) => pageOf(cursor),
  ensureContainer: (_, wish) => findContainer(wish, pageOf) ?? { key: "13", title: wish.title },
  deleteContainer() {
    throw Fault.notSupported("deleting audiences");
  },
  writeMembers(_, request) {
    expectAtMostMembers(request, 2);
    const add = request.members.map((it) => META.prepare("email", identity(it, "email") ?? ""));
    http.post(`https://ads.example/audiences/${request.container}`).json({ add }).send().expectSuccess();
    return memberReport(request.members.map(() => ({ is: "done" })));
  },
};

test("members are hashed and written", () => {
  assert.deepEqual(interfaces(ads), ["audience"]);
  const [stream] = ads.discover(CALL);
  assert.deepEqual([stream?.kind, stream?.batches?.groupBy], ["membership", ["container"]]);
  const asked = (...emails: string[]): MemberRequest => ({
    container: "7",
    members: emails.map((email) => member("add", { email })),
  });
  const sent = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";
  const met = exchange("POST", "https://ads.example/audiences/7").json({ add: [sent] });
  const report = script(met).run(() => ads.writeMembers(CALL, asked("John_Smith@gmail.com")));
  assert.deepEqual(report.verdict, { items: [{ is: "done" }] });
  assert.throws(() => ads.writeMembers(CALL, asked("nobody")), coded("rejected"));
  assert.throws(() => ads.writeMembers(CALL, asked("a", "b", "c")), coded("rejected", "members"));
  const items = [item("delete"), item("delete")];
  assert.throws(() => expectAtMost({ stream: "s", items, dryRun: false }, 1), coded("rejected", "items"));
});

test("a container is found by its title", () => {
  for (const [title, key] of [["Customers", "7"], ["Leads", "9"], ["New", "13"]] as const) {
    assert.equal(ads.ensureContainer(CALL, wish(title)).key, key);
  }
  assert.throws(() => findContainer(wish(" "), pageOf), coded("config", "title"));
  const endless = (): ContainerPage => ({ items: [], next: new Uint8Array([1]) });
  assert.throws(() => findContainer(wish("x"), endless), coded("schema-drift", "containers"));
});

test("a fault amid a batch says what becomes of the rest", () => {
  const [refused, limited] = [new Fault("rejected"), new Fault("rate-limited", "", 9)];
  assert.deepEqual(outcomeAfter(new Fault("timeout")), { is: "unknown" });
  assert.deepEqual(outcomeAfter(refused), { is: "rejected", fault: refused });
  assert.deepEqual(outcomeAfter(limited), { is: "retry", afterSeconds: 9, fault: limited });
  assert.deepEqual(memberAfter(new Fault("bug")), { is: "unknown" });
  assert.deepEqual(memberAfter(refused), { is: "rejected", fault: refused });
  assert.deepEqual(memberAfter(limited), { is: "retry", afterSeconds: 9 });
});

const crm: Connector & Inbound = {
  discover: () => [{ name: "contacts", fields: [], readable: true }],
  check() {},
  parse(_, delivery) {
    if (delivery.header("X-Topic") === "ping") return [parsed.ignored()];
    const hooks = delivery.json() as { contact: string }[];
    if (delivery.path() === "/events") {
      return [parsed.rows("contacts", hooks.map((it) => row.upsert(it.contact, { ...it })))];
    }
    const stream = delivery.path() === "/deals" ? "deals" : "contacts";
    return [parsed.refetch(stream, hooks.map((it) => it.contact)), parsed.read(stream)];
  },
  handshake: (_, delivery) => replyText(new TextDecoder().decode(delivery.body)),
};

test("a delivery is understood", () => {
  assert.deepEqual(interfaces(crm), ["inbound"]);
  const hook = Delivery.post("/?v=1", [{ contact: "7" }]);
  const expected = [parsed.refetch("contacts", ["7"]), parsed.read("contacts")];
  assert.deepEqual(parse(crm, CALL, hook), expected);
  const rows = [row.upsert("7", { contact: "7" })];
  const events = Delivery.post("/events", [{ contact: "7" }]);
  assert.deepEqual(parse(crm, CALL, events), [parsed.rows("contacts", rows)]);
  const ping = Delivery.post("/", [], [["x-topic", "ping"]]);
  assert.deepEqual(parse(crm, CALL, ping), [parsed.ignored()]);
  assert.deepEqual(crm.handshake?.(CALL, new Delivery("POST", "/", [], "c")), replyText("c"));
  const broken = new Delivery("POST", "/", [], "<secret>");
  assert.throws(() => parse(crm, CALL, broken), coded("rejected", "body"));
  assert.throws(() => parse(crm, CALL, Delivery.post("/deals", [{ contact: "7" }])), /no stream deals/);
  const long = Delivery.post("/", [{ contact: "x".repeat(513) }]);
  assert.throws(() => parse(crm, CALL, long), /empty or too long/);
});

test("files are replaced under their version", () => {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const met = script().folder("in", { "a.csv": "abc" }).folder("out");
  met.run(() => {
    const { size, version } = files.stat("in", "a.csv");
    assert.deepEqual([size, text(files.read("in", "a.csv", 1, 10).data)], [3, "bc"]);
    const data = new TextEncoder().encode("new");
    files.write("in", "a.csv", data, version);
    const again = (folder: string, name: string) => () => files.write(folder, name, data, version);
    assert.throws(again("in", "a.csv"), coded("conflict", "in/a.csv"));
    assert.throws(again("out", "../b"), coded("host-denied", "out/../b"));
    assert.throws(again("other", "b"), coded("host-denied", "other/b"));
    files.write("out", "b.csv", data);
    assert.deepEqual(files.list("out").map((it) => it.name), ["b.csv"]);
    assert.throws(() => files.read("out", "c.csv", 0, 1), coded("not-found", "out/c.csv"));
  });
  assert.equal(text(met.files.read("in", "a.csv", 0, 9).data), "new");
});

test("mail is handed over or refused", () => {
  const server = { address: "smtp.x.test:587", security: "tls" } as const;
  const body = new TextEncoder().encode("Hello\r\n");
  const message = { sender: "a@x.test", recipients: ["b@x.test"], headers: [], body };
  const seen: number[] = [];
  const met = script().mailbox((_, { recipients }) => {
    seen.push(recipients.length);
    return recipients.map(() => ({ is: "accepted", reply: "250 ok" }));
  });
  met.run(() => {
    assert.deepEqual(mail.send(server, message), [{ is: "accepted", reply: "250 ok" }]);
    mail.check(server);
  });
  assert.deepEqual(seen, [1, 0]);
  const send = () => script().run(() => mail.send(server, message));
  assert.throws(send, coded("not-supported", "smtp.x.test:587"));
  const sign = () => script().run(() => crypto.hmac("key", "hmac-sha256", body));
  assert.throws(sign, coded("not-supported", "key"));
});
