/**
 * HTTP through the host. The connector names a credential slot; it never sees what the host
 * puts there.
 *
 *     const contacts = http.get("https://api.example.com/contacts").query("limit", 100)
 *       .credential("token").send().expectSuccess().json();
 */

import * as exact from "./exact.ts";
import type { Json } from "./exact.ts";
import { Fault } from "./fault.ts";
import * as host from "./host.ts";
import type { Header } from "./host.ts";

const NOT_REACHED = [503, 521, 522, 523];
const SECONDS_MAX = 2 ** 32 - 1;

/** What came back, decompressed. Any status is a response. */
export class Response {
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;

  constructor(status: number, headers: readonly Header[] = [], body = new Uint8Array()) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /** The first header of that name, whatever its case. */
  header(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.headers.find(([key]) => key.toLowerCase() === wanted)?.[1];
  }

  /** Whether the status is 200 to 299. */
  isSuccess(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The body as text; broken UTF-8 is replaced. */
  text(): string {
    return new TextDecoder().decode(this.body);
  }

  /** The body as JSON with exact numbers. Throws `schema-drift`. */
  json(): Json {
    try {
      return exact.parse(new TextDecoder("utf-8", { fatal: true }).decode(this.body));
    } catch {
      // Without the parser's words: they may quote a customer's value.
      throw Fault.drift("response", "JSON").with("content-type", this.header("content-type") ?? "");
    }
  }

  /** The response, if the status is 200 to 299. Throws `fault()`. */
  expectSuccess(): this {
    if (!this.isSuccess()) throw this.fault();
    return this;
  }

  /** Whether a server that answered a write so may have written all the same. */
  mayHaveWritten(): boolean {
    return this.status >= 500 && !NOT_REACHED.includes(this.status);
  }

  /** The fault that a status usually means. Vendors differ: ask them first. */
  fault(): Fault {
    return usual(this.status, this.header("retry-after"))
      .with("status", this.status)
      .with("vendor-message", this.text());
  }
}

function usual(status: number, retryAfter: string | undefined): Fault {
  if (status >= 500) return new Fault("transient");
  switch (status) {
    case 401:
      return new Fault("auth");
    case 403:
      return new Fault("permission");
    case 404:
    case 410:
      return new Fault("not-found");
    case 409:
    case 412:
      return new Fault("conflict");
    case 408:
    case 425:
      return new Fault("transient");
    case 429: {
      const text = (retryAfter ?? "").trim();
      const known = /^\d+$/.test(text) && Number(text) <= SECONDS_MAX;
      return new Fault("rate-limited", "", known ? Number(text) : undefined);
    }
    default:
      return new Fault("rejected");
  }
}

/** A request of any method to an absolute URL, to build up and send. */
export class Request {
  readonly #method: string;
  #url: string;
  readonly #headers: Header[] = [];
  #body = new Uint8Array();
  #credential: string | undefined;

  constructor(method: string, url: string) {
    this.#method = method;
    this.#url = url;
  }

  /** With a header. The host refuses those that are its own business, such as
   * `Authorization` and `Host`. */
  header(name: string, value: string): this {
    this.#headers.push([name, value]);
    return this;
  }

  /** With a query parameter, percent-encoded. */
  query(name: string, value: string | number): this {
    const separator = this.#url.includes("?") ? "&" : "?";
    this.#url += `${separator}${percentEncode(name)}=${percentEncode(String(value))}`;
    return this;
  }

  /** With a body. */
  body(body: string | Uint8Array<ArrayBuffer>): this {
    this.#body = typeof body === "string" ? new TextEncoder().encode(body) : body;
    return this;
  }

  /** With a JSON body and its content type. */
  json(value: Json): this {
    return this.header("content-type", "application/json").body(exact.write(value));
  }

  /** With the credential of a slot of the manifest. */
  credential(slot: string): this {
    this.#credential = slot;
    return this;
  }

  /**
   * Sends it. Any status is a response.
   *
   * Throws, where there is none: `host-denied`, `unreachable`, `timeout` (it may have had an
   * effect), `limit`, `auth`, or `bug` for a request that is malformed.
   */
  send(): Response {
    const answer = host.at(hostOf(this.#url), () =>
      host.current().send({
        method: this.#method,
        url: this.#url,
        headers: this.#headers,
        body: this.#body,
        credential: this.#credential,
      }),
    );
    return new Response(answer.status, answer.headers, new Uint8Array(answer.body));
  }
}

/** A `GET` request. */
export const get = (url: string): Request => new Request("GET", url);
/** A `POST` request. */
export const post = (url: string): Request => new Request("POST", url);
/** A `PUT` request. */
export const put = (url: string): Request => new Request("PUT", url);
/** A `PATCH` request. */
export const patch = (url: string): Request => new Request("PATCH", url);
/** A `DELETE` request. */
export const del = (url: string): Request => new Request("DELETE", url);

/** Percent-encodes all but the unreserved characters of RFC 3986. */
export function percentEncode(text: string): string {
  const hex = (it: string): string => `%${it.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, hex);
}

function hostOf(url: string): string {
  const rest = url.slice(url.indexOf("://") < 0 ? 0 : url.indexOf("://") + 3);
  return rest.split(/[/?#]/, 1)[0] ?? "";
}
