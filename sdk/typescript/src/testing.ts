/**
 * A host that follows a script: connectors are tested natively, without a component and
 * without a network.
 *
 *     const page = script(exchange("GET", "https://api.example.com/contacts").reply(200, []))
 *       .run(() => connector.read(call, reading("contacts")));
 *
 * A request that differs from the one expected is an error that names the difference; so is
 * an expected request that was not made.
 */

import * as exact from "./exact.ts";
import type { Json } from "./exact.ts";
import { Fault } from "./fault.ts";
import * as host from "./host.ts";
import type { Answered, Header, Host, Level, Sent } from "./host.ts";

/** One expected request and its response: `200` with an empty body unless told otherwise.
 * Headers that are not named may be there. */
export class Exchange {
  readonly title: string;
  #credential: string | undefined;
  readonly #headers: Header[] = [];
  #json: string | undefined;
  #answer: Answered | Fault = { status: 200, headers: [], body: new Uint8Array() };

  constructor(method: string, url: string) {
    this.title = `${method} ${url}`;
  }

  /** Expects the credential of that slot; without this call, none. */
  credential(slot: string): this {
    this.#credential = slot;
    return this;
  }

  /** Expects a header. */
  header(name: string, value: string): this {
    this.#headers.push([name, value]);
    return this;
  }

  /** Expects this JSON document as the body, however its members are ordered. */
  json(body: Json): this {
    this.#json = exact.write(sorted(body));
    return this;
  }

  /** Answers with a status and a body: text as it is, anything else as JSON. */
  reply(status: number, body: Json = "", headers: Record<string, string> = {}): this {
    const isText = typeof body === "string";
    const named = Object.entries(headers);
    if (!isText) named.push(["content-type", "application/json"]);
    const text = isText ? body : exact.write(body);
    this.#answer = { status, headers: named, body: new TextEncoder().encode(text) };
    return this;
  }

  /** There is no answer in time. */
  timesOut(): this {
    this.#answer = new Fault("timeout");
    return this;
  }

  /** There is no connection. */
  failsToConnect(): this {
    this.#answer = new Fault("unreachable");
    return this;
  }

  /** The host refuses. */
  isDenied(): this {
    this.#answer = new Fault("host-denied");
    return this;
  }

  /** The answer to a request, which is the one expected. */
  metBy(sent: Sent): Answered {
    const made = `${sent.method} ${sent.url}`;
    same("another request than expected", made, this.title);
    same(`credential of ${made}`, sent.credential, this.#credential);
    for (const [name, value] of this.#headers) {
      const found = sent.headers.find(([key]) => key.toLowerCase() === name.toLowerCase());
      same(`header ${name} of ${made}`, found?.[1], value);
    }
    if (this.#json !== undefined) {
      const body = exact.parse(new TextDecoder().decode(sent.body));
      same(`body of ${made}`, exact.write(sorted(body)), this.#json);
    }
    if (this.#answer instanceof Fault) throw this.#answer;
    return this.#answer;
  }
}

/** An expected request. */
export const exchange = (method: string, url: string): Exchange => new Exchange(method, url);

function same(what: string, made: string | undefined, expected: string | undefined): void {
  if (made !== expected) throw new Error(`${what}: made ${made}, expected ${expected}`);
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!exact.isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name] as Json)]));
}

/** What a connector meets during a test: expected requests in order, then a vendor that
 * answers whatever no exchange expects. */
export class Script implements Host {
  readonly #exchanges: Exchange[];
  #vendor: ((sent: Sent) => Answered) | undefined;
  #now = 0;
  #drawn = 0;
  /** The lines that were logged: `warn: ...`. */
  readonly logged: string[] = [];

  constructor(exchanges: Exchange[]) {
    this.#exchanges = exchanges;
  }

  /** Requests that no exchange expects are answered by this. */
  vendor(answer: (sent: Sent) => Answered): this {
    this.#vendor = answer;
    return this;
  }

  /** With the host's time: microseconds since 1970. */
  at(micros: number): this {
    this.#now = micros;
    return this;
  }

  /** Runs a piece of the connector under this script. */
  run<R>(test: () => R): R {
    const before = host.become(this);
    if (before !== undefined) throw new Error("a script runs inside another script");
    let result: R;
    try {
      result = test();
    } finally {
      host.become(undefined);
    }
    const missing = this.#exchanges.map((it) => it.title);
    if (missing.length > 0) {
      throw new Error(`requests that were expected and not made: ${missing.join(", ")}`);
    }
    return result;
  }

  send(request: Sent): Answered {
    const exchange = this.#exchanges.shift();
    if (exchange !== undefined) return exchange.metBy(request);
    if (this.#vendor !== undefined) return this.#vendor(request);
    throw new Error(`no request is expected any more, made: ${request.method} ${request.url}`);
  }

  log(level: Level, message: string): void {
    this.logged.push(`${level}: ${message}`);
  }

  now(): number {
    return this.#now;
  }

  /** Other bytes each time, and the same in every run. */
  random(count: number): Uint8Array {
    this.#drawn += 1;
    return Uint8Array.from({ length: count }, (_, at) => (this.#drawn * 31 + at) % 256);
  }
}

/** A script of these exchanges. */
export const script = (...exchanges: Exchange[]): Script => new Script(exchanges);
