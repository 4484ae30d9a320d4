/**
 * JSON whose numbers stay exact.
 *
 * A JavaScript number is a binary fraction of 53 bits: `0.1` and `12345678901234567890` are
 * not what they seem. So `parse` makes a `number` only of an integer that is one exactly
 * (plain digits, at most 2^53 - 1), and a `Decimal`, which is the number's own text, of
 * every other; and `write` refuses a `number` that is no such integer: make a `Decimal` of
 * the text that it came from.
 */

import { Fault } from "./fault.ts";

/** A JSON value with exact numbers. */
export type Json = null | boolean | number | string | Decimal | Json[] | JsonObject;

/** A JSON object with exact numbers. */
export interface JsonObject {
  [name: string]: Json;
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A number that no `number` holds, as the text that it was written as. */
export class Decimal {
  readonly text: string;

  constructor(text: string) {
    if (!NUMBER.test(text)) throw Fault.bug("a Decimal is made of the text of a JSON number");
    this.text = text;
  }

  toString(): string {
    return this.text;
  }

  /** So that nobody computes with it by accident. */
  valueOf(): never {
    throw Fault.bug("a Decimal is no number; its text is exact");
  }
}

/** Whether a value is an object of JSON: no list, no number, not null. */
export function isObject(value: Json | undefined): value is JsonObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Decimal)
  );
}

// Whether there may be a number that a double does not hold. It may see one within a text,
// which costs time and nothing else.
const MAYBE_INEXACT = /(?:^|[:,[])\s*(?:-0|-?\d+[.eE]|-?\d{16})/;
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
// No text of JSON holds this character but as an escape, which `marked` sees.
const MARK = "\\u0000";
const MARKED = "\u0000";

/** What a JSON text says. Throws `SyntaxError` where it is none. */
export function parse(text: string): Json {
  if (!MAYBE_INEXACT.test(text)) return JSON.parse(text) as Json;
  return revived(JSON.parse(text.replace(TOKEN, marked)) as Json);
}

/** A number that is not exact becomes a text that nothing else can become. */
function marked(token: string): string {
  if (token.startsWith('"')) {
    return token.startsWith(`"${MARK}`) ? `"${MARK}s${token.slice(1)}` : token;
  }
  // What is no JSON number, such as `01`, is left for the parser to refuse.
  if (isExact(token) || !NUMBER.test(token)) return token;
  return `"${MARK}n${token}"`;
}

function isExact(number: string): boolean {
  return /^(?:0|-?[1-9]\d*)$/.test(number) && Number.isSafeInteger(Number(number));
}

function revived(value: Json): Json {
  if (typeof value === "string") {
    if (!value.startsWith(MARKED)) return value;
    return value[1] === "n" ? new Decimal(value.slice(2)) : value.slice(2);
  }
  if (Array.isArray(value)) return value.map(revived);
  if (!isObject(value)) return value;
  const object: JsonObject = {};
  for (const name of Object.keys(value)) {
    const key = name.startsWith(MARKED) ? name.slice(2) : name;
    // As `JSON.parse` does it: `__proto__` is a name like any other.
    Object.defineProperty(object, key, {
      value: revived(value[name] as Json),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return object;
}

/** The value as JSON on one line. Throws `bug` for a number that is not exact. */
export function write(value: Json): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (Number.isSafeInteger(value)) return String(value);
      throw Fault.bug("a number that is not exact; use a Decimal");
    case "object":
      break;
    default:
      throw Fault.bug(`a ${typeof value} is no JSON`);
  }
  if (value === null) return "null";
  if (value instanceof Decimal) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  let members = "";
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (member === undefined) continue;
    members += `${members === "" ? "" : ","}${JSON.stringify(name)}:${write(member)}`;
  }
  return `{${members}}`;
}
