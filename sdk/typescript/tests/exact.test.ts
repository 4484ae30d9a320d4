import assert from "node:assert/strict";
import { test } from "node:test";

import { Decimal, Fault, exact } from "../src/index.ts";

test("numbers stay as they were written", () => {
  for (const text of [
    "0",
    "-7",
    "9007199254740991",
    "9007199254740993",
    "12345678901234567890",
    "0.1",
    "1.50",
    "-0",
    "1e400",
    "-2.5E-3",
    '{"a":[1,0.10,{"b":99999999999999999999}],"c":"0.1"}',
    '["1.5",": 1.5","\\u0000n1","\\u0000s",1.5]',
    '{"\\u0000n1":1.5,"__proto__":2.0,"1.5":3}',
    '{"at":"2026-01-01T00:00:00.000Z","quote":"\\"1.5\\", 2.5","emoji":"\u{1F600}"}',
    "[]",
    "{}",
  ]) {
    assert.equal(exact.write(exact.parse(text)), text, text);
  }
  assert.deepEqual(exact.parse("[1, 1.0]"), [1, new Decimal("1.0")]);
});

test("what is no JSON is refused, with and without decimals", () => {
  for (const text of ["", "01", "[1.5,01]", "[1.]", "[.5]", '{"a":1.5', "[1.5,NaN]", '["a\nb",1.5]', "[1.5 2]"]) {
    assert.throws(() => exact.parse(text), SyntaxError, text);
  }
});

test("an inexact number is a bug", () => {
  for (const value of [0.1, Number.NaN, 2 ** 53, Infinity]) {
    assert.throws(() => exact.write({ value }), Fault);
  }
  assert.throws(() => new Decimal("1,5"), Fault);
  assert.throws(() => Number(new Decimal("1.5")), Fault);
});
