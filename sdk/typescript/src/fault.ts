/** Faults: a code that the hub acts upon, a place, and arguments. */

/** Longest argument in characters; longer ones are cut. An error page is no message. */
export const ARGUMENT_CHARS_MAX = 500;

/**
 * What went wrong. The hub decides from it whether to retry, wait, ask a person, read anew
 * or stop.
 *
 * - `config`: the connection's settings are wrong.
 * - `auth`: the vendor refused the credential.
 * - `permission`: the credential is good but may not do this.
 * - `host-denied`: the host is not granted to this connection.
 * - `unreachable`: no connection to the host.
 * - `timeout`: no answer in time; the outcome of a write is unknown.
 * - `transient`: the vendor failed; a later attempt may work.
 * - `rate-limited`: too many requests; not before `afterSeconds`, if known.
 * - `quota-exhausted`: the allowance is used up; it renews after `afterSeconds`, if known.
 * - `conflict`: the row changed since it was read.
 * - `not-found`: the row does not exist.
 * - `cursor-expired`: the cursor is no longer valid; the hub takes a new snapshot.
 * - `schema-drift`: the vendor's answer does not fit what it promised.
 * - `blocked`: the vendor has blocked the account.
 * - `bug`: the connector met a case that it should not have met.
 * - `limit`: more was used than is allowed: bytes, calls, time.
 * - `not-supported`: the connector has no such ability.
 * - `rejected`: the vendor refused the content. For a batch: nothing of it was written.
 * - `row-invalid`: a row that cannot be used as it is.
 */
export type FaultCode =
  | "config"
  | "auth"
  | "permission"
  | "host-denied"
  | "unreachable"
  | "timeout"
  | "transient"
  | "rate-limited"
  | "quota-exhausted"
  | "conflict"
  | "not-found"
  | "cursor-expired"
  | "schema-drift"
  | "blocked"
  | "bug"
  | "limit"
  | "not-supported"
  | "rejected"
  | "row-invalid";

/**
 * A fault to throw: never a sentence for people, since the hub speaks several languages.
 * What the vendor said goes into `vendor-code` and `vendor-message`. Arguments hold no
 * secret and no customer's value.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  /** Where: a field, a setting, `line 17`. */
  place: string;
  readonly afterSeconds: number | undefined;
  readonly args: [string, string][] = [];

  constructor(code: FaultCode, place = "", afterSeconds?: number) {
    super(place === "" ? code : `${code} at ${place}`);
    this.name = "Fault";
    this.code = code;
    this.place = place;
    this.afterSeconds = afterSeconds;
  }

  /** A defect of the connector itself, with what it did not expect. */
  static bug(what: string): Fault {
    return new Fault("bug").with("what", what);
  }

  /** A setting that is wrong, with what was expected. */
  static config(setting: string, expected: string): Fault {
    return new Fault("config", setting).with("expected", expected);
  }

  /** An answer that does not fit what the vendor promised. */
  static drift(place: string, expected: string): Fault {
    return new Fault("schema-drift", place).with("expected", expected);
  }

  /** The connector has no such ability. */
  static notSupported(what: string): Fault {
    return new Fault("not-supported").with("what", what);
  }

  /** The same fault at a place. */
  at(place: string): this {
    this.place = place;
    return this;
  }

  /** The same fault with one more argument, cut at `ARGUMENT_CHARS_MAX`. */
  with(name: string, value: string | number): this {
    // Never within a pair of surrogates: half of one is no text.
    this.args.push([name, String(value).slice(0, ARGUMENT_CHARS_MAX).replace(/[\uD800-\uDBFF]$/, "")]);
    return this;
  }

  /** The same fault with what the vendor said. */
  vendor(code: string | number, message: string): this {
    return this.with("vendor-code", code).with("vendor-message", message);
  }

  /** The argument of that name. */
  arg(name: string): string | undefined {
    return this.args.find(([key]) => key === name)?.[1];
  }
}
