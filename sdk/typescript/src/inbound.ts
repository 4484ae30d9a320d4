/**
 * What a vendor pushes: webhooks and tracked events.
 *
 * The host verifies a delivery by the recipes of the manifest and keeps it before its sender
 * hears "yes". Later it asks what the delivery means. A webhook of a vendor that can also be
 * read is a hint: answer with `refetch`, and the host looks the rows up, so that a delivery
 * that came late, twice or not at all does no harm. `rows` is for what nobody can be asked
 * for again.
 *
 *     export const connector: Connector & Inbound = {
 *       parse(call, delivery) {
 *         const hooks = delivery.json() as { contact: number }[];
 *         return [parsed.refetch("contacts", hooks.map((it) => String(it.contact)))];
 *       },
 *       ...
 *     };
 *
 * `connector.json` then has the capability `inbound`, a credential slot of kind `webhook`,
 * and how deliveries are verified:
 *
 *     "credentials": [{ "name": "webhook", "kind": "webhook", "title": "Signing key" }],
 *     "inbound": {
 *       "recipes": [{
 *         "algorithm": "hmac-sha256", "encoding": "hex", "at": "header:X-Signature",
 *         "prefix": "sha256=", "signed": "{timestamp}.{body}",
 *         "timestamp": { "at": "header:X-Timestamp" }, "slot": "webhook"
 *       }],
 *       "delivery-id": "header:X-Delivery"
 *     }
 */

import * as exact from "./exact.ts";
import type { Json } from "./exact.ts";
import { Fault } from "./fault.ts";
import type { Header } from "./host.ts";
import type { Row } from "./row.ts";

/** A delivery as it came in, verified, decompressed, without its credential. */
export class Delivery {
  /** The method. */
  readonly method: string;
  /** Path and query below the connection's door: `/v1/batch`. */
  readonly target: string;
  /** Headers. */
  readonly headers: readonly Header[];
  /** The body. */
  readonly body: Uint8Array;
  /** When it was received: microseconds since 1970. */
  readonly received: number;

  constructor(
    method: string,
    target: string,
    headers: readonly Header[] = [],
    body: Uint8Array | string = "",
    received = 0,
  ) {
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.body = typeof body === "string" ? new TextEncoder().encode(body) : body;
    this.received = received;
  }

  /** A delivery as a test makes it, with a JSON body. */
  static post(target: string, body: Json, headers: readonly Header[] = []): Delivery {
    const json: Header = ["content-type", "application/json"];
    return new Delivery("POST", target, [json, ...headers], exact.write(body));
  }

  /** The path, without the query. */
  path(): string {
    return this.target.split("?", 1)[0] ?? "";
  }

  /** The value of a header, by its name in any case. */
  header(name: string): string | undefined {
    const wanted = name.toLowerCase();
    return this.headers.find(([key]) => key.toLowerCase() === wanted)?.[1];
  }

  /** The body as JSON, whatever its content type says: browsers send JSON as text, so that
   * they need not ask first. Throws `rejected` when it is none: it goes to quarantine as it
   * is. */
  json(): Json {
    try {
      return exact.parse(new TextDecoder("utf-8", { fatal: true }).decode(this.body));
    } catch {
      // Without the parser's words: they may quote what was sent.
      throw new Fault("rejected", "body").with("expected", "JSON");
    }
  }
}

/** An answer that a vendor expects at once. */
export interface Reply {
  /** The status. */
  readonly status: number;
  /** Its content type. */
  readonly contentType: string;
  /** The body. */
  readonly body: Uint8Array;
}

/** `200` with a text: what most challenges expect back. */
export function replyText(text: string): Reply {
  return { status: 200, contentType: "text/plain", body: new TextEncoder().encode(text) };
}

/**
 * What a delivery means.
 *
 * - `rows`: rows of a stream. An `upsert` is a patch: a field that is absent is left alone,
 *   null clears.
 * - `refetch`: these rows of a stream changed; the hub looks them up.
 * - `read`: something in this stream changed; the hub reads on.
 * - `ignored`: nothing that matters.
 */
export type Parsed =
  | { readonly is: "rows"; readonly stream: string; readonly rows: readonly Row[] }
  | { readonly is: "refetch"; readonly stream: string; readonly keys: readonly string[] }
  | { readonly is: "read"; readonly stream: string }
  | { readonly is: "ignored" };

/** Makes meanings of deliveries. */
export const parsed = {
  /** Rows of a stream. */
  rows: (stream: string, rows: readonly Row[]): Parsed => ({ is: "rows", stream, rows }),
  /** These rows of a stream changed. */
  refetch: (stream: string, keys: readonly string[]): Parsed => ({ is: "refetch", stream, keys }),
  /** Something in a stream changed. */
  read: (stream: string): Parsed => ({ is: "read", stream }),
  /** Nothing that matters. */
  ignored: (): Parsed => ({ is: "ignored" }),
};

/** A subscription at the vendor. */
export interface Subscription {
  /** The vendor's id. */
  readonly id: string;
  /** It must be renewed within so many seconds. */
  readonly renewWithinSeconds?: number;
}
