/** What discovery says: streams and their fields. */

import * as exact from "./exact.ts";
import type { JsonObject } from "./exact.ts";

/** What a stream's rows describe: a natural person, an organisation, something else that is
 * and changes, something that happened, or who is in which container. */
export type EntityKind = "person" | "account" | "object" | "event" | "membership";

/**
 * What a vendor offers against writing twice.
 *
 * - `none`: nothing; after an unknown outcome the hub looks before it writes again.
 * - `key`: it recognises the item's idempotency key.
 * - `external-id`: a create with a key that exists updates.
 * - `if-version`: a write can be bound to a version.
 */
export type Idempotency = "none" | "key" | "external-id" | "if-version";

/** What JSON Schema cannot say of a field. */
export interface FieldOptions {
  /** For people. */
  readonly title?: string;
  /** It can be read but not written. */
  readonly readOnly?: boolean;
  /** It can be written when the row is created, not later. */
  readonly createOnly?: boolean;
  /** A create without it is refused. */
  readonly required?: boolean;
  /** Rows can be found by it. */
  readonly matchable?: boolean;
  /** No two rows have the same value. */
  readonly unique?: boolean;
  /** Class of personal data. */
  readonly pii?: "email" | "phone" | "name" | "address" | "id";
  /** How the value must be normalised and hashed. */
  readonly hashProfile?: string;
  /** Its values can be asked for. */
  readonly hasChoices?: boolean;
}

/** A field of a stream. */
export interface Field extends FieldOptions {
  /** Its name. */
  readonly name: string;
  /** JSON Schema of its values. */
  readonly schema: JsonObject;
}

/** Makes fields that may be empty (null). */
export const field = {
  /** A field of text. */
  text: (name: string, options: FieldOptions = {}): Field => ({
    name,
    schema: { type: ["string", "null"] },
    ...options,
  }),
  /** A field that is true or false. */
  flag: (name: string, options: FieldOptions = {}): Field => ({
    name,
    schema: { type: ["boolean", "null"] },
    ...options,
  }),
  /** A field of an exact number. */
  number: (name: string, options: FieldOptions = {}): Field => ({
    name,
    schema: { type: ["number", "null"] },
    ...options,
  }),
};

/** How writes must be cut. */
export interface BatchRules {
  /** Most items of one write; 100 unless said. */
  readonly itemsMax?: number;
  /** Fewest items of one write; the hub waits for more as long as it may. */
  readonly itemsMin?: number;
  /** Most bytes of one write, as JSON; 1 MiB unless said. */
  readonly bytesMax?: number;
  /** Most bytes of one item, as JSON; 256 KiB unless said. */
  readonly itemBytesMax?: number;
  /** Items of one write must agree in these fields. */
  readonly groupBy?: string[];
  /** An item may not occur twice in one write. */
  readonly uniqueKeys?: boolean;
  /** Writes must keep the order in which they are handed over. */
  readonly ordered?: boolean;
  /** One bad item fails its whole write: the hub bisects. */
  readonly atomic?: boolean;
}

/** A stream of a connection; neither readable nor writable unless it says so. */
export interface Stream {
  /** Its name. */
  readonly name: string;
  /** Its fields. */
  readonly fields: readonly Field[];
  /** For people. */
  readonly title?: string;
  /** What its rows describe; persons unless said. */
  readonly kind?: EntityKind;
  /** It can be read. */
  readonly readable?: boolean;
  /** It can be written. */
  readonly writable?: boolean;
  /** How writes must be cut. */
  readonly batches?: BatchRules;
  /** The fields whose values make up the key. */
  readonly primaryKey?: string[];
  /** The field that reading goes by, where it is one field. */
  readonly cursorField?: string;
  /** Reading everything ends with `complete`, so that missing rows are known to be deleted. */
  readonly completeSnapshots?: boolean;
  /** The vendor checks `ifVersion`. */
  readonly conditionalWrites?: boolean;
  /** What the vendor offers against writing twice; `none` unless said. */
  readonly idempotency?: Idempotency;
  /** The vendor can validate without writing. */
  readonly dryRun?: boolean;
  /** Purposes that a row needs a consent for. */
  readonly purposes?: string[];
  /** The field that says who changed a row last. */
  readonly originField?: string;
  /** Rows can be archived: kept there, and out of the way. */
  readonly archives?: boolean;
  /** A row is a message on that channel, such as `email`, which nothing takes back. */
  readonly sends?: string;
  /** Rows may hold more fields than these. */
  readonly open?: boolean;
}

/** A stream of memberships, whose fields are what members are matched by; at most so many
 * members in one write, all of one container. */
export function members(
  name: string,
  itemsMax: number,
  fields: readonly Field[],
  more: Partial<Stream> = {},
): Stream {
  const batches = { itemsMax, groupBy: ["container"] };
  return { name, fields, kind: "membership", writable: true, batches, ...more };
}

/** JSON Schema 2020-12 of a row, from the fields. */
export function schemaOf(stream: Stream): string {
  const properties: JsonObject = {};
  for (const { name, schema } of stream.fields) properties[name] = schema;
  return exact.write({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties,
    additionalProperties: stream.open ?? false,
    ...(stream.archives ? { "x-archives": true } : {}),
    ...(stream.sends === undefined ? {} : { "x-sends": stream.sends }),
  });
}
