/** Files in the folders that the connection was granted, by alias. Names are relative;
 * nothing outside can be named. */

import { at, offered } from "./host.ts";

/** A file's state. */
export interface Stat {
  /** Its name, relative to the folder. */
  readonly name: string;
  /** Its size in bytes. */
  readonly size: number;
  /** Changes whenever the content changes. */
  readonly version: string;
  /** When it was last changed: microseconds since 1970. */
  readonly modified?: number | undefined;
}

/** A part of a file. */
export interface Part {
  /** The bytes. */
  readonly data: Uint8Array;
  /** The version of the file right after they were read: one that differs from that of an
   * earlier part means that the parts do not fit together. */
  readonly version: string;
}

/** What a host offers. */
export interface Files {
  list(folder: string): Stat[];
  stat(folder: string, name: string): Stat;
  read(folder: string, name: string, offset: number, bytesMax: number): Part;
  write(folder: string, name: string, data: Uint8Array, expected: string | undefined): Stat;
}

/** The files of a folder, by name. Throws `host-denied`, `not-found` or `transient`. */
export const list = (folder: string): Stat[] => at(folder, () => offered("files").list(folder));

/** One file's state. Throws as `list`. */
export const stat = (folder: string, name: string): Stat =>
  at(`${folder}/${name}`, () => offered("files").stat(folder, name));

/** At most `bytesMax` bytes from an offset; fewer only at the end of the file. Throws as
 * `list`, and `limit`. */
export const read = (folder: string, name: string, offset: number, bytesMax: number): Part =>
  at(`${folder}/${name}`, () => offered("files").read(folder, name, offset, bytesMax));

/** Replaces a file as a whole: others see the old content or the new. `expected` is the
 * version it must still have; none = it must not exist yet. Throws as `read`, and `conflict`
 * when it has another version. */
export const write = (folder: string, name: string, data: Uint8Array, expected?: string): Stat =>
  at(`${folder}/${name}`, () => offered("files").write(folder, name, data, expected));
