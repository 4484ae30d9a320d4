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

import type { Call } from "./call.ts";
import type { Connector, Inbound } from "./connector.ts";
import * as exact from "./exact.ts";
import type { Json } from "./exact.ts";
import { Fault } from "./fault.ts";
import type { Files, Part, Stat } from "./files.ts";
import * as host from "./host.ts";
import type { Answered, Header, Host, Level, Sent } from "./host.ts";
import type { Delivery, Parsed } from "./inbound.ts";
import { line } from "./row.ts";
import type { Delivery as Taken, Mail, Message, Server } from "./mail.ts";

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

/** Granted folders in memory. */
class Folders implements Files {
  readonly #folders = new Map<string, Map<string, { data: Uint8Array; version: string }>>();
  #writes = 0;

  /** With a granted folder and its files. */
  grant(alias: string, files: Record<string, string>): void {
    this.#folders.set(alias, new Map());
    const put = ([name, text]: [string, string]): Stat =>
      this.write(alias, name, new TextEncoder().encode(text), undefined);
    Object.entries(files).forEach(put);
  }

  list(folder: string): Stat[] {
    return [...this.#folder(folder).keys()].sort().map((name) => this.stat(folder, name));
  }

  stat(folder: string, name: string): Stat {
    const { data, version } = this.#file(folder, name);
    return { name, size: data.length, version };
  }

  read(folder: string, name: string, offset: number, bytesMax: number): Part {
    const { data, version } = this.#file(folder, name);
    return { data: data.slice(offset, offset + bytesMax), version };
  }

  write(folder: string, name: string, data: Uint8Array, expected: string | undefined): Stat {
    const files = this.#folder(folder);
    if (name === "" || name.startsWith("/") || name.split("/").includes("..")) {
      throw new Fault("host-denied").with("why", "it leads outside");
    }
    if (files.get(name)?.version !== expected) throw new Fault("conflict");
    this.#writes += 1;
    files.set(name, { data, version: String(this.#writes) });
    return this.stat(folder, name);
  }

  #folder(alias: string): Map<string, { data: Uint8Array; version: string }> {
    const files = this.#folders.get(alias);
    if (files === undefined) throw new Fault("host-denied").with("why", `folder ${alias} is not granted`);
    return files;
  }

  #file(alias: string, name: string): { data: Uint8Array; version: string } {
    const file = this.#folder(alias).get(name);
    if (file === undefined) throw new Fault("not-found");
    return file;
  }
}

/** What a connector meets during a test: expected requests in order, then a vendor that
 * answers whatever no exchange expects; granted folders, and a server for mail. */
export class Script implements Host {
  readonly #exchanges: Exchange[];
  #vendor: ((sent: Sent) => Answered) | undefined;
  #now = 0;
  #drawn = 0;
  /** The lines that were logged: `warn: ...`. */
  readonly logged: string[] = [];
  /** The granted folders, as the connector leaves them. */
  readonly files = new Folders();
  mail: Mail | undefined;

  constructor(exchanges: Exchange[]) {
    this.#exchanges = exchanges;
  }

  /** Requests that no exchange expects are answered by this. */
  vendor(answer: (sent: Sent) => Answered): this {
    this.#vendor = answer;
    return this;
  }

  /** With a granted folder and the text of its files. */
  folder(alias: string, files: Record<string, string> = {}): this {
    this.files.grant(alias, files);
    return this;
  }

  /** With a server for mail, which answers to each message with a word about every recipient;
   * a message without recipients is a check. */
  mailbox(send: (server: Server, message: Message) => Taken[]): this {
    const nothing = { sender: "", recipients: [], headers: [], body: new Uint8Array() };
    this.mail = { send, check: (server) => void send(server, nothing) };
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

const KEY_BYTES_MAX = 512;

/** What a connector makes of a delivery, without a network. An error says how it breaks the
 * contract: it says something else when it is asked again, names a stream that discovery does
 * not, or a key that is none. */
export function parse(connector: Connector & Inbound, call: Call, delivery: Delivery): readonly Parsed[] {
  return script().run(() => {
    const parsed = connector.parse(call, delivery);
    const again = connector.parse(call, delivery);
    same("asked again", again.map(told).join(), parsed.map(told).join());
    const streams = connector.discover(call).map((stream) => stream.name);
    for (const meaning of parsed) {
      if (meaning.is === "ignored") continue;
      if (!streams.includes(meaning.stream)) {
        throw new Error(`discovery names no stream ${meaning.stream}`);
      }
      const keys = meaning.is === "refetch" ? meaning.keys : [];
      const rows = meaning.is === "rows" ? meaning.rows.flatMap((it) => it.key ?? []) : [];
      for (const key of [...keys, ...rows]) {
        const bytes = new TextEncoder().encode(key).length;
        if (bytes < 1 || bytes > KEY_BYTES_MAX) throw new Error(`a key is empty or too long: ${key}`);
      }
    }
    return parsed;
  });
}

function told(meaning: Parsed): string {
  if (meaning.is !== "rows") return exact.write({ ...meaning } as unknown as Json);
  return `${meaning.stream} ${meaning.rows.map(line).join()}`;
}
