/** What comes with every call. */

import * as exact from "./exact.ts";
import type { Json, JsonObject } from "./exact.ts";
import { Fault } from "./fault.ts";

/** The connection's settings and what the call is for. */
export interface Call {
  /** The settings as JSON text; `settings` reads them. */
  readonly settings: string;
  /** Which of the vendor's worlds: in a sandbox, writes have no effect on customers. */
  readonly environment: "production" | "sandbox";
  /** A run's name, `check`, `discover`; for logs. */
  readonly purpose: string;
}

/** A call as a test makes it. */
export function callWith(settings: JsonObject): Call {
  return { settings: exact.write(settings), environment: "production", purpose: "test" };
}

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
}

type Wanted = Readonly<Record<string, keyof Kinds>>;
type Settings<R extends Wanted, O extends Wanted> = { [Name in keyof R]: Kinds[R[Name]] } & {
  [Name in keyof O]?: Kinds[O[Name]];
};

/**
 * The settings, which hold these names with values of these types and no others.
 *
 *     const { url } = settings(call, { url: "string" });
 *
 * Throws `config`, with what was expected.
 */
export function settings<R extends Wanted, O extends Wanted = Record<never, never>>(
  call: Call,
  required: R,
  optional?: O,
): Settings<R, O> {
  const given = parsed(call.settings);
  const known: Wanted = { ...optional, ...required };
  for (const [name, value] of Object.entries(given)) {
    const wanted = Object.hasOwn(known, name) ? known[name] : undefined;
    if (wanted === undefined) {
      throw Fault.config(name, `none; known are ${Object.keys(known).sort().join(", ")}`);
    }
    if (typeof value !== wanted) throw Fault.config(name, wanted);
  }
  for (const name of Object.keys(required)) {
    if (!Object.hasOwn(given, name)) throw Fault.config(name, required[name] ?? "");
  }
  return given as Settings<R, O>;
}

function parsed(text: string): JsonObject {
  let value: Json;
  try {
    value = exact.parse(text.trim() === "" ? "{}" : text);
  } catch {
    throw Fault.config("settings", "JSON");
  }
  if (!exact.isObject(value)) throw Fault.config("settings", "an object");
  return value;
}
