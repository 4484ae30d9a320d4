/** Files as the contract's import. */

import * as wit from "liaison:connector/files@0.1.0";

import type { FaultCode } from "../fault.ts";
import type { Files, Stat } from "../files.ts";
import { asked } from "./imports.ts";

const CODES: Readonly<Record<string, FaultCode>> = {
  denied: "host-denied",
  "not-found": "not-found",
  conflict: "conflict",
  "too-large": "limit",
  io: "transient",
};

function stat({ name, size, version, modified }: wit.FileState): Stat {
  const changed = modified === undefined ? undefined : Number(modified);
  return { name, size: Number(size), version, modified: changed };
}

export const files: Files = {
  list: (folder) => asked(CODES, () => wit.list(folder)).map(stat),
  stat: (folder, name) => stat(asked(CODES, () => wit.stat(folder, name))),
  read: (folder, name, offset, bytesMax) =>
    asked(CODES, () => wit.read(folder, name, BigInt(offset), bytesMax)),
  write: (folder, name, data, expected) =>
    stat(asked(CODES, () => wit.write(folder, name, data, expected))),
};
