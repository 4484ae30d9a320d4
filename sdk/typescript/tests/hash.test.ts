/** The vectors that the Rust and the Python SDK are held to as well. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { Fault, hash, phone } from "../src/index.ts";
import { isLetterOrNumber } from "../src/alphabet.ts";
import type { Kind } from "../src/hash.ts";
import { COUNTRIES } from "../src/hash/rule.ts";
import { sha1, sha256 } from "../src/hash/sha.ts";
import { hasSpace, lower } from "../src/letters.ts";

import vectors from "../../vectors/hash.json";
import people from "../../vectors/people.json";
import numbers from "../../vectors/phone.json";

const { KINDS, Profile, Unfit } = hash;
// A million refusals need no stack.
Error.stackTraceLimit = 1;

function of(vector: { profile: string; kind: string }): [hash.Profile, Kind] {
  const profile = Profile.ALL.find((it) => it.name === vector.profile);
  assert.ok(profile && KINDS.includes(vector.kind as Kind));
  return [profile, vector.kind as Kind];
}

const because = (why: string | undefined) => (fault: unknown) =>
  fault instanceof Unfit &&
  fault.why === why &&
  fault.code === (why === "not-taken" ? "not-supported" : "rejected");

test("the vendors' vectors hold", () => {
  for (const vector of vectors.published) {
    const [profile, kind] = of(vector);
    assert.equal(profile.normalise(kind, vector.value), vector.normalised);
    assert.equal(profile.prepare(kind, vector.value), vector.sent);
  }
});

test("each platform has its own rules", () => {
  for (const vector of vectors.rules) {
    const [profile, kind] = of(vector);
    if (vector.normalised !== undefined) {
      assert.equal(profile.normalise(kind, vector.value), vector.normalised);
    } else {
      assert.throws(() => profile.prepare(kind, vector.value), because(vector.unfit), vector.value);
    }
  }
});

test("what is sent in clear and what is hashed", () => {
  for (const vector of vectors.forms) {
    const [profile, kind] = of(vector);
    assert.equal(profile.form(kind), vector.form ?? undefined);
    assert.equal(profile.annotation(kind), `${vector.profile}/${vector.kind}`);
  }
});

test("digests are adopted when told", () => {
  for (const vector of vectors.adopted) {
    const [profile, kind] = of(vector);
    if (vector.sent !== undefined) assert.equal(profile.adopt(kind, vector.digest), vector.sent);
    else assert.throws(() => profile.adopt(kind, vector.digest), because(vector.unfit));
  }
});

test("people are hashed as by the other SDKs", () => {
  assert.equal(people.length, 1_000);
  for (const { values, sent } of people) {
    const digest = createHash("sha256");
    for (const profile of Profile.ALL) {
      for (const value of values) {
        for (const kind of KINDS) digest.update(`${made(profile, kind, value)}\n`);
      }
    }
    assert.equal(digest.digest("hex"), sent, values.join());
  }
});

function made(profile: hash.Profile, kind: Kind, value: string): string {
  try {
    return profile.prepare(kind, value);
  } catch (error) {
    if (error instanceof Unfit) return error.why;
    throw error;
  }
}

test("countries are those of the other SDKs", () => {
  assert.deepEqual([...COUNTRIES].sort(), vectors.countries.split(" "));
});

test("digests of every length are those of Node", () => {
  for (let length = 0; length < 200; length += 1) {
    const data = Uint8Array.from({ length }, (_, at) => (at * 31 + length) % 256);
    for (const [name, own] of [["sha1", sha1], ["sha256", sha256]] as const) {
      const hex = Buffer.from(own(data)).toString("hex");
      assert.equal(hex, createHash(name).update(data).digest("hex"), `${name} of ${length}`);
    }
  }
});

test("telephone numbers", () => {
  for (const it of numbers.digits) {
    assert.equal(phone.digits(it.number), it.digits ?? undefined, it.number);
  }
  for (const it of numbers.international) {
    const seen = phone.international(it.number, it["calling-code"], it["trunk-prefix"]);
    assert.equal(seen, it.international ?? undefined, it.number);
  }
});

test("what is unfit is a fault without the value", () => {
  const unfit = new Unfit("email");
  assert.ok(unfit instanceof Fault && unfit.arg("expected") === "an e-mail address");
});

test("letters are those of Unicode, and white space too", () => {
  const same = (point: number): boolean => {
    const text = String.fromCodePoint(point);
    const alike = isLetterOrNumber(point) === /[\p{Alphabetic}\p{N}]/u.test(text);
    return alike && hasSpace(text) === /\p{White_Space}/u.test(text);
  };
  // What Node's Unicode does not know yet is none for it.
  const known = (point: number): boolean => /\p{Assigned}/u.test(String.fromCodePoint(point));
  const points = Array.from({ length: 0x11_0000 }, (_, point) => point);
  assert.deepEqual(points.filter((point) => known(point) && !same(point)), []);
});

test("small letters are those of Unicode, at the end of a word too", () => {
  const letters = ["Σ", "Α", "a", "İ", " ", "'", "1", "\u0301"];
  const longer = (texts: string[]): string[] => texts.flatMap((it) => letters.map((one) => it + one));
  for (let texts = letters; texts[0]!.length < 6; texts = longer(texts)) {
    assert.deepEqual(texts.filter((it) => lower(it) !== it.toLowerCase()), []);
  }
});
