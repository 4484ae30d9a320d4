/**
 * The ways in which vendors page, as cursors that a connector can hand to the hub as they
 * are. Each is a small value that is in the cursor and nothing else: `of` reads it from the
 * request, `page` makes the page and the next cursor.
 *
 * | the vendor offers | use |
 * |---|---|
 * | rows after so many rows | `Offset` |
 * | page 1, 2, 3 | `PageNumber` |
 * | a token for the next page | `NextToken` |
 * | the address of the next page, in the answer or in a `Link` header | `NextUrl`, `nextLink` |
 * | rows changed since a time, oldest change first | `Since` |
 * | the same, and a filter over time *and* key | `Keyset` |
 * | what happened between two times | `Window` |
 *
 * The first four read everything, and end with a complete snapshot: what was not shown no
 * longer exists. The last three go on where they stopped; they never see a deletion that the
 * vendor does not report as a change, so a stream read this way is not one of complete
 * snapshots.
 *
 * Reading is at least once: showing a row again costs the hub a comparison, while a row that
 * was passed over is lost until it changes again. Where the two are in balance, these choose
 * the former.
 */

import { isObject } from "./exact.ts";
import type { JsonObject } from "./exact.ts";
import { Fault } from "./fault.ts";
import type { Response } from "./http.ts";
import { Page, cursorOf } from "./row.ts";
import type { ReadRequest, Row } from "./row.ts";

/** The cursor, which has these members of these types; none at the beginning. */
function position(request: ReadRequest, form: Record<string, string>): JsonObject | undefined {
  const value = cursorOf(request);
  if (value === undefined) return undefined;
  const names = Object.keys(form);
  const fits =
    isObject(value) &&
    Object.keys(value).length === names.length &&
    names.every((name) => form[name]?.split("?").includes(typed(value, name)));
  if (!fits) throw new Fault("cursor-expired");
  return value;
}

function typed(value: JsonObject, name: string): string {
  return value[name] === null ? "" : typeof value[name];
}

/** Pages by offset: the next page begins after the rows seen so far. A page that is not full
 * is the last one. Rows can move between pages while they are read, so a snapshot read this
 * way is complete only for vendors that sort by something stable. */
export class Offset {
  /** Rows before this page. */
  readonly offset: number;

  constructor(offset = 0) {
    this.offset = offset;
  }

  /** The position that a request asks for. */
  static of(request: ReadRequest): Offset {
    return new Offset(position(request, { offset: "number" })?.["offset"] as number | undefined);
  }

  /** The page of these rows, asked for with a page size of `limit`. */
  page(rows: readonly Row[], limit: number): Page {
    if (rows.length === 0 || rows.length < limit) return new Page(rows).complete();
    return new Page(rows).moreFrom({ offset: this.offset + rows.length });
  }
}

/** Pages by their number. What is said of `Offset` about rows that move holds here too. */
export class PageNumber {
  /** The page to ask for. */
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  /** The page that a request asks for; the vendor counts from `first`. */
  static of(request: ReadRequest, first: number): PageNumber {
    const known = position(request, { number: "number" })?.["number"] as number | undefined;
    return new PageNumber(known ?? first);
  }

  /** The page of these rows, asked for with a page size of `limit`. */
  page(rows: readonly Row[], limit: number): Page {
    return this.pageUntil(rows, rows.length < limit);
  }

  /** The page of these rows, from a vendor that says which page is the last. An empty page
   * is the last whatever it says. */
  pageUntil(rows: readonly Row[], last: boolean): Page {
    if (last || rows.length === 0) return new Page(rows).complete();
    return new Page(rows).moreFrom({ number: this.number + 1 });
  }
}

/** Pages by a token that the vendor hands out; no token means the end. */
export class NextToken {
  /** The vendor's token; none = the beginning. */
  readonly token: string | undefined;

  constructor(token?: string) {
    this.token = token;
  }

  /** The position that a request asks for. */
  static of(request: ReadRequest): NextToken {
    return new NextToken(position(request, { token: "string" })?.["token"] as string | undefined);
  }

  /** The page of these rows, with the token that came along. Throws `schema-drift` when it is
   * the token that was just used: it would never end. */
  page(rows: readonly Row[], following: string | null | undefined): Page {
    const token = another(this.token, following);
    return token === undefined ? new Page(rows).complete() : new Page(rows).moreFrom({ token });
  }
}

/** Pages by an address that the vendor hands out, in the answer's body or in a `Link` header
 * (`nextLink`). It must lead to the host that was asked: an answer must not choose who
 * receives the connection's credential. */
export class NextUrl {
  /** The address to ask; none = the beginning. */
  readonly url: string | undefined;

  constructor(url?: string) {
    this.url = url;
  }

  /** The position that a request asks for. */
  static of(request: ReadRequest): NextUrl {
    return new NextUrl(position(request, { url: "string" })?.["url"] as string | undefined);
  }

  /** The address to ask, which is `first` at the beginning. */
  or(first: string): string {
    return this.url ?? first;
  }

  /** The page of these rows, that `asked` answered with, and the address that came along:
   * absolute, or from its path or its query on. */
  page(asked: string, rows: readonly Row[], following: string | null | undefined): Page {
    const url = another(asked, following ? resolved(asked, following) : undefined);
    return url === undefined ? new Page(rows).complete() : new Page(rows).moreFrom({ url });
  }
}

/** The token that follows, if there is one and it is not the one just used. */
function another(used: string | undefined, next: string | null | undefined): string | undefined {
  if (!next) return undefined;
  if (next === used) throw Fault.drift("next page token", "another token");
  return next;
}

function origin(url: string): string | undefined {
  return /^https?:\/\/[^/?#]+/i.exec(url)?.[0];
}

function resolved(asked: string, next: string): string {
  const from = origin(asked);
  // What comes after a backslash is a path to some readers and a host to others.
  if (from !== undefined && !next.startsWith("//") && !next.includes("\\")) {
    if (next.startsWith("/")) return from + next;
    if (next.startsWith("?")) return `${asked.split(/[?#]/, 1)[0]}${next}`;
    if (origin(next)?.toLowerCase() === from.toLowerCase()) return next;
  }
  throw Fault.drift("next page address", "an address at the host that was asked");
}

/** The address of the next page in the `Link` headers of an answer (RFC 8288):
 * `<https://api.x.example/people?page=2>; rel="next"`. */
export function nextLink(response: Response): string | undefined {
  for (const [name, header] of response.headers) {
    if (name.toLowerCase() !== "link") continue;
    for (const [, target, parameters] of header.matchAll(/<([^>]*)>((?:[^",]|"[^"]*")*)/g)) {
      for (const [parameter] of (parameters ?? "").matchAll(/(?:[^";]|"[^"]*")+/g)) {
        const [, word, value] = /^\s*([^=\s]*)\s*=\s*"?([^"]*)"?\s*$/.exec(parameter) ?? [];
        const relations = (value ?? "").toLowerCase().split(/\s+/);
        if (word?.toLowerCase() === "rel" && relations.includes("next")) return target?.trim();
      }
    }
  }
  return undefined;
}

/** How a vendor answers "changed at or after". */
export interface SinceRules {
  /** Rows asked for per page, at least 2. */
  readonly limit: number;
  /** How finely the vendor tells times apart. */
  readonly precisionMicros: number;
  /** How long a change may take to appear, a clock may be off, and a reading of what is
   * changing right now may take: when all is read, the next time begins so much earlier. */
  readonly overlapMicros: number;
}

/**
 * Pages of rows changed at or after a time, oldest change first.
 *
 * Many rows may have one time: an import gives thousands the same second. Asking for what is
 * *later* than the last row of a page would pass over its twins on the next page, and asking
 * for what is *not earlier* may show the same page for ever. So this asks for what is not
 * earlier, begins anew at the time of the last row, and only when a whole page has one time
 * goes on within it by offset: half a page at a time, so that up to half a page of its rows
 * may change (and leave for the end) between two calls without one being passed over. Within
 * one time the vendor must keep an order, such as by key. A vendor that can filter by time
 * and key together needs none of this: `Keyset`.
 *
 * Ask for rows changed at or after `since` (all, where there is none), in ascending order of
 * change, skipping `offset`.
 */
export class Since {
  /** Ask for what changed at or after this instant, in the vendor's precision. */
  readonly since: number | undefined;
  /** Skip so many rows of it. */
  readonly offset: number;
  /** The latest change shown since reading went on; none = this is its first page. */
  readonly #latest: number | undefined;
  /** Where reading went on: the next time does not begin before it. */
  readonly #begun: number | undefined;

  constructor(since?: number, offset = 0, latest?: number, begun?: number) {
    this.since = since;
    this.offset = offset;
    this.#latest = latest;
    this.#begun = latest === undefined ? since : begun;
  }

  /** The position that a request asks for. */
  static of(request: ReadRequest): Since {
    const form = { since: "number?", offset: "number", latest: "number?", begun: "number?" };
    const known = position(request, form);
    const at = (name: string): number | undefined =>
      (known?.[name] ?? undefined) as number | undefined;
    return new Since(at("since"), at("offset"), at("latest"), at("begun"));
  }

  /** The page of these rows, each with the instant of its change, in the order in which they
   * came. Throws `schema-drift` when they are not in ascending order, or are from before the
   * instant that was asked for. */
  page(rows: readonly (readonly [number, Row])[], rules: SinceRules): Page {
    if (rules.limit < 2) throw Fault.bug("a limit of at least 2");
    const precision = Math.max(rules.precisionMicros, 1);
    const floor = (instant: number): number => Math.floor(instant / precision) * precision;
    const times = rows.map(([time]) => floor(time));
    const sorted = times.every((time, at) => time >= (times[at - 1] ?? this.since ?? time));
    if (!sorted) throw Fault.drift("time of change", "ascending, from the time asked for");
    const last = times.at(-1);
    const latest = later(this.#latest, last);
    const page = new Page(rows.map(([, row]) => row));
    if (rows.length < rules.limit) {
      const rest = latest === undefined ? undefined : floor(latest - rules.overlapMicros);
      const since = later(this.#begun, rest);
      return since === undefined ? page : page.nextFrom(new Since(since).#cursor());
    }
    if (last !== undefined && (this.since === undefined || last > this.since)) {
      return page.moreFrom(new Since(last, 0, latest, this.#begun).#cursor());
    }
    const offset = this.offset + Math.floor(rules.limit / 2);
    return page.moreFrom(new Since(this.since, offset, latest, this.#begun).#cursor());
  }

  #cursor(): JsonObject {
    return {
      since: this.since ?? null,
      offset: this.offset,
      latest: this.#latest ?? null,
      begun: this.#begun ?? null,
    };
  }
}

function later(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}

/**
 * Pages of rows after a time and key, for vendors that sort by both and filter by
 * `(time = t and key > k) or time > t`. However many rows have one time, each is shown once,
 * and a row that changes meanwhile moves to the end and is shown there. Time is the vendor's
 * own text, compared by the vendor alone.
 *
 * Changes that appear late, with a time that was passed already, are missed: where a vendor
 * has such, use `Since` with an overlap.
 */
export class Keyset {
  /** Time and key of the last row shown; none = the beginning. */
  readonly after: readonly [time: string, key: string] | undefined;

  constructor(after?: readonly [string, string]) {
    this.after = after;
  }

  /** The position that a request asks for. */
  static of(request: ReadRequest): Keyset {
    const known = position(request, { time: "string", key: "string" });
    return new Keyset(known && [known["time"] as string, known["key"] as string]);
  }

  /** The page of these rows, each with the text of its time, asked for with a page size of
   * `limit`. */
  page(rows: readonly (readonly [string, Row])[], limit: number): Page {
    const more = rows.length > 0 && rows.length >= limit;
    const last = rows.at(-1);
    let after = this.after;
    if (last !== undefined) {
      const [time, row] = last;
      if (row.key === undefined) throw Fault.drift("last row", "a key");
      const stands = after !== undefined && after[0] === time && after[1] === row.key;
      if (more && stands) throw Fault.drift("last row", "a row after the one asked for");
      after = [time, row.key];
    }
    const page = new Page(rows.map(([, row]) => row));
    if (after === undefined) return page;
    const cursor = { time: after[0], key: after[1] };
    return more ? page.moreFrom(cursor) : page.nextFrom(cursor);
  }
}

/** How a stream is cut into windows. */
export interface WindowRules {
  /** Where the first window begins. */
  readonly first: number;
  /** How long a window is at most. */
  readonly spanMicros: number;
  /** When all is read, the next time begins so much earlier: how long the vendor may take to
   * show what happened. */
  readonly overlapMicros: number;
  /** What is younger than this is left for the next time. */
  readonly lagMicros: number;
}

/**
 * Windows of time, each read to its end by the vendor's tokens (where it has any) before the
 * next one begins. They are half open, so that between two of them nothing is shown twice or
 * passed over; only at the present end the next reading begins `overlapMicros` earlier.
 *
 * Ask for what happened from `start` on and before `end`, with `token` where there is one.
 */
export class Window {
  /** Where it begins. */
  readonly start: number;
  /** What it ends before. */
  readonly end: number;
  /** The vendor's token of the page within it. */
  readonly token: string | undefined;

  constructor(start: number, end: number, token?: string) {
    this.start = start;
    this.end = end;
    this.token = token;
  }

  /** The window that a request asks for, at the host's time `now` (`clock.now()`). It is empty
   * when there is nothing to ask for yet. */
  static of(request: ReadRequest, rules: WindowRules, now: number): Window {
    const known = position(request, { start: "number", end: "number", token: "string?" });
    if (known === undefined) return Window.#starting(rules.first, rules, now);
    const [start, end] = [known["start"] as number, known["end"] as number];
    if (typeof known["token"] === "string") return new Window(start, end, known["token"]);
    return Window.#starting(start, rules, now);
  }

  static #starting(start: number, rules: WindowRules, now: number): Window {
    const end = start + Math.max(rules.spanMicros, 1);
    return new Window(start, Math.max(Math.min(end, now - rules.lagMicros), start));
  }

  /** Whether there is nothing to ask for yet: answer with `page` of no rows. */
  isEmpty(): boolean {
    return this.start === this.end;
  }

  /** The page of these rows, with the token that came along. */
  page(
    rows: readonly Row[],
    following: string | null | undefined,
    rules: WindowRules,
    now: number,
  ): Page {
    const page = new Page(rows);
    const token = another(this.token, following);
    if (token !== undefined) return page.moreFrom({ start: this.start, end: this.end, token });
    const next = Window.#starting(this.end, rules, now);
    if (!next.isEmpty()) {
      return page.moreFrom({ start: next.start, end: next.end, token: null });
    }
    const end = this.end - rules.overlapMicros;
    const rest = this.isEmpty() ? this.start : Math.max(end, rules.first);
    return page.nextFrom({ start: rest, end: rest, token: null });
  }
}
