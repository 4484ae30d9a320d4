/** Finding rows by key or by matching fields. */

import type { JsonObject } from "./exact.ts";
import type { Row } from "./row.ts";

/** How to find a row: by its key, or by fields that discovery marks as matchable, all of
 * which must be equal. */
export type LookupKey =
  | { readonly by: "key"; readonly key: string }
  | { readonly by: "fields"; readonly fields: JsonObject };

/** Rows to find. */
export interface LookupRequest {
  /** The stream. */
  readonly stream: string;
  /** What to find. */
  readonly keys: readonly LookupKey[];
  /** Fields that are mapped; empty = all. */
  readonly fields: readonly string[];
}

/** What was found for one key: nothing, one row, or the keys of several that fit. */
export type Found = undefined | Row | string[];

/** Nothing, one or several, from the rows that fit. */
export function found(rows: readonly Row[]): Found {
  if (rows.length <= 1) return rows[0];
  return rows.flatMap((row) => (row.key === undefined ? [] : [row.key]));
}
