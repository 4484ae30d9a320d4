/** Mail as the contract's import. */

import * as wit from "liaison:connector/mail@0.1.0";

import type { FaultCode } from "../fault.ts";
import type { Mail } from "../mail.ts";
import { asked } from "./imports.ts";

const CODES: Readonly<Record<string, FaultCode>> = {
  denied: "host-denied",
  invalid: "bug",
  "too-large": "limit",
  "budget-exhausted": "limit",
  connect: "unreachable",
  credential: "auth",
  deferred: "transient",
  refused: "permission",
};

export const mail: Mail = {
  send(server, { sender, recipients, headers, body }) {
    const pairs = headers.map(([name, value]): [string, string] => [name, value]);
    const letter = { sender, recipients: [...recipients], headers: pairs, body };
    const told = asked(CODES, () => wit.send(server, letter));
    return told.map(({ tag, val }) => ({ is: tag, reply: val }));
  },
  check: (server) => asked(CODES, () => wit.check(server)),
};
