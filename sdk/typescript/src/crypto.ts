/**
 * Cryptography bound to a secret that the connector never sees: it names a credential slot.
 * Sign the final bytes; the host changes nothing afterwards.
 *
 *     const signature = crypto.hmac("key", "hmac-sha256", new TextEncoder().encode(body));
 *
 * All of them throw `auth` for a slot that is missing or holds a secret of another kind,
 * `rejected` for sealed bytes that do not open, and `not-supported` where the host cannot.
 */

import { at, offered } from "./host.ts";

/** Keyed hashes. */
export type Mac = "hmac-sha1" | "hmac-sha256" | "hmac-sha512";
/** Signatures: RSASSA-PKCS1-v1_5 with SHA-256; ECDSA on P-256 with SHA-256, as r and s of 32
 * bytes each. */
export type Signature = "rs256" | "es256";
/** Authenticated encryption. */
export type Aead = "aes256-gcm" | "xchacha20-poly1305";

/** What a host offers. */
export interface Crypto {
  hmac(slot: string, algorithm: Mac, data: Uint8Array): Uint8Array;
  sign(slot: string, algorithm: Signature, data: Uint8Array): Uint8Array;
  seal(slot: string, algorithm: Aead, data: Uint8Array, associated: Uint8Array): Uint8Array;
  open(slot: string, algorithm: Aead, data: Uint8Array, associated: Uint8Array): Uint8Array;
}

const NOTHING = new Uint8Array();

/** A keyed hash under the secret of a slot. */
export const hmac = (slot: string, algorithm: Mac, data: Uint8Array): Uint8Array =>
  at(slot, () => offered("crypto").hmac(slot, algorithm, data));

/** A signature by the key of a slot. */
export const sign = (slot: string, algorithm: Signature, data: Uint8Array): Uint8Array =>
  at(slot, () => offered("crypto").sign(slot, algorithm, data));

/** Nonce, ciphertext and tag, one after the other. */
export const seal = (
  slot: string,
  algorithm: Aead,
  data: Uint8Array,
  associated: Uint8Array = NOTHING,
): Uint8Array => at(slot, () => offered("crypto").seal(slot, algorithm, data, associated));

/** The reverse of `seal`. */
export const open = (
  slot: string,
  algorithm: Aead,
  data: Uint8Array,
  associated: Uint8Array = NOTHING,
): Uint8Array => at(slot, () => offered("crypto").open(slot, algorithm, data, associated));
