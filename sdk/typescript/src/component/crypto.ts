/** Keys as the contract's import. */

import * as wit from "liaison:connector/crypto@0.1.0";

import type { Crypto } from "../crypto.ts";
import type { FaultCode } from "../fault.ts";
import { asked } from "./imports.ts";

const CODES: Readonly<Record<string, FaultCode>> = { slot: "auth", "not-authentic": "rejected" };

export const crypto: Crypto = {
  hmac: (slot, algorithm, data) => asked(CODES, () => wit.hmac(slot, algorithm, data)),
  sign: (slot, algorithm, data) => asked(CODES, () => wit.sign(slot, algorithm, data)),
  seal: (slot, algorithm, data, associated) =>
    asked(CODES, () => wit.seal(slot, algorithm, data, associated)),
  open: (slot, algorithm, data, associated) =>
    asked(CODES, () => wit.open(slot, algorithm, data, associated)),
};
