/** Every paginator against a vendor that it does not know: all rows are shown, reading ends,
 * and what repeats itself is refused. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Fault, http, paginate, reading, row } from "../src/index.ts";
import type { ReadRequest, Row } from "../src/index.ts";
import type { Page } from "../src/row.ts";

const CALLS_MAX = 5_000;
const SECOND = 1_000_000;

/** Reads on until there is no more; the keys in order, the last page, and the next request. */
function readOn(request: ReadRequest, read: (request: ReadRequest) => Page) {
  const keys: string[] = [];
  for (let calls = 0; calls < CALLS_MAX; calls += 1) {
    const page = read(request);
    keys.push(...page.rows.map((it) => it.key ?? ""));
    request = reading("people", page);
    if (!page.more) return { keys, page, request };
  }
  throw new Error("no end");
}

const numbered = (number: number): Row => row.delete(String(number).padStart(6, "0"));
const slice = (total: number, from: number, limit: number): Row[] =>
  Array.from({ length: Math.max(0, Math.min(limit, total - from)) }, (_, at) => numbered(from + at));

test("counting, tokens and addresses show every row once", () => {
  for (const [total, limit] of [[0, 3], [1, 3], [3, 3], [7, 3], [20, 1], [59, 8]] as const) {
    const expected = slice(total, 0, total).map((it) => it.key);
    const after = (from: number): string | undefined =>
      from + limit < total ? String(from + limit) : undefined;
    const ways: ((request: ReadRequest) => Page)[] = [
      (request) => {
        const position = paginate.Offset.of(request);
        return position.page(slice(total, position.offset, limit), limit);
      },
      (request) => {
        const position = paginate.PageNumber.of(request, 1);
        return position.page(slice(total, (position.number - 1) * limit, limit), limit);
      },
      (request) => {
        const position = paginate.NextToken.of(request);
        const from = Number(position.token ?? "0");
        return position.page(slice(total, from, limit), after(from));
      },
      (request) => {
        const position = paginate.NextUrl.of(request);
        const url = position.or("https://x.test/people?from=0");
        const from = Number(url.split("=").at(-1));
        const next = after(from);
        return position.page(url, slice(total, from, limit), next && `?from=${next}`);
      },
    ];
    for (const way of ways) {
      const { keys, page } = readOn(reading("people"), way);
      assert.deepEqual(keys, expected);
      assert.ok(page.snapshotComplete && page.next === undefined);
    }
  }
});

test("changes since a time: twins at the border of a page are all shown", () => {
  const rules = { limit: 4, precisionMicros: SECOND, overlapMicros: 5 * SECOND };
  for (const times of [[], [1], Array(11).fill(7), [1, 1, 2, 2, 2, 2, 2, 2, 3], [1, 2, 3, 4, 5, 6, 7]]) {
    const all = times.map((time, at) => [time * SECOND, numbered(at)] as const);
    const way = (request: ReadRequest): Page => {
      const position = paginate.Since.of(request);
      const due = all.filter(([time]) => position.since === undefined || time >= position.since);
      return position.page(due.slice(position.offset, position.offset + rules.limit), rules);
    };
    const first = readOn(reading("people"), way);
    assert.deepEqual([...new Set(first.keys)].sort(), all.map(([, it]) => it.key));
    const again = readOn(first.request, way);
    const latest = Math.max(...times);
    const overlapped = all.filter(([time]) => time >= (latest - 5) * SECOND).map(([, it]) => it.key);
    assert.deepEqual([...new Set(again.keys)].sort(), overlapped);
  }
  const late = paginate.Since.of(reading("people"));
  assert.throws(() => late.page([[2, numbered(1)], [1, numbered(2)]], { ...rules, precisionMicros: 1 }), Fault);
});

test("time and key together show each row once", () => {
  const all = Array.from({ length: 10 }, (_, at) => [`t${Math.floor(at / 4)}`, numbered(at)] as const);
  const { keys, request } = readOn(reading("people"), (request) => {
    const { after } = paginate.Keyset.of(request);
    const due = all.filter(([t, it]) => !after || t > after[0] || (t === after[0] && (it.key ?? "") > after[1]));
    return paginate.Keyset.of(request).page(due.slice(0, 3), 3);
  });
  assert.deepEqual(keys, all.map(([, it]) => it.key));
  assert.notEqual(request.cursor, undefined);
});

test("windows follow one another to the present and overlap there", () => {
  const rules = { first: 0, spanMicros: 10, overlapMicros: 4, lagMicros: 1 };
  const seen: [number, number][] = [];
  const read = (now: number) => (request: ReadRequest) => {
    const window = paginate.Window.of(request, rules, now);
    if (!window.isEmpty()) seen.push([window.start, window.end]);
    const token = window.token === undefined && !window.isEmpty() ? "more" : undefined;
    return window.page([], token, rules, now);
  };
  const { request } = readOn(reading("people"), read(26));
  readOn(request, read(31));
  const expected = [[0, 10], [10, 20], [20, 25], [21, 30]].flatMap((it) => [it, it]);
  assert.deepEqual(seen, expected);
});

test("a cursor of another form has expired, and what stands still is refused", () => {
  for (const text of ["", "{}", "[]", "7", '{"token":7}', '{"token":"a","more":1}', "\u0001"]) {
    const cursor = new TextEncoder().encode(text);
    assert.throws(() => paginate.NextToken.of({ ...reading("people"), cursor }), /cursor-expired/);
  }
  assert.throws(() => new paginate.NextToken("a").page([], "a"), /schema-drift/);
  const asked = "https://x.test/people?page=1";
  const strangers = ["https://y.test/a", "//y.test/a", "\\\\y.test", asked, "http://x.test/a"];
  for (const next of strangers) {
    assert.throws(() => new paginate.NextUrl().page(asked, [], next), /schema-drift/, next);
  }
});

test("the next page is found in a Link header", () => {
  const cases: [string, string | undefined][] = [
    ['<https://x.test/2>; rel="next"', "https://x.test/2"],
    ['<https://x.test/1>; rel="prev", <https://x.test/3>; rel=next', "https://x.test/3"],
    ['<https://x.test/9>; title="a, b; rel=next"; rel="last"', undefined],
    ['<https://x.test/4>; rel="last next"', "https://x.test/4"],
    ["", undefined],
  ];
  for (const [header, expected] of cases) {
    assert.equal(paginate.nextLink(new http.Response(200, [["Link", header]])), expected, header);
  }
});
