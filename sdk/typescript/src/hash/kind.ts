/** What a value is, how it is sent, and why it cannot be. */

import { Fault } from "../fault.ts";
import { sha1, sha256 } from "./sha.ts";

/**
 * What a value is, as the word of discovery's annotations.
 *
 * - `email`: an e-mail address.
 * - `phone`: a telephone number in international form.
 * - `first-name`, `last-name`: a given name, a family name.
 * - `first-initial`: the first letter of a given name, from the whole name.
 * - `gender`: `f` or `m`, or a word that begins so.
 * - `birth-date`, `birth-year`, `birth-month`, `birth-day`: a date of birth (`1990-02-05` or
 *   `19900205`) as one value, or a part of it.
 * - `street`, `city`, `region`, `postcode`: parts of an address.
 * - `country`: a country as ISO 3166-1 alpha-2.
 * - `external-id`: the organisation's own identifier of the person.
 * - `device-id`: a mobile advertising identifier.
 */
export type Kind = (typeof KINDS)[number];

/** All kinds. */
export const KINDS = [
  "email",
  "phone",
  "first-name",
  "first-initial",
  "last-name",
  "gender",
  "birth-date",
  "birth-year",
  "birth-month",
  "birth-day",
  "street",
  "city",
  "region",
  "postcode",
  "country",
  "external-id",
  "device-id",
] as const;

const EXPECTED = {
  "not-taken": "a kind of value that this platform takes",
  empty: "a value that is not empty",
  email: "an e-mail address",
  phone: "an international telephone number such as +33123456789",
  gender: "f or m",
  "birth-date": "a day since 1900, such as 1990-02-05",
  country: "a country as two letters of ISO 3166-1, such as FR",
  digest: "a digest in hexadecimal, of a value that is wanted hashed",
};

/** Why nobody can be matched by a value. It never holds the value. */
export class Unfit extends Fault {
  /** Why, as a word. */
  readonly why: keyof typeof EXPECTED;

  constructor(why: keyof typeof EXPECTED) {
    super(why === "not-taken" ? "not-supported" : "rejected");
    this.why = why;
    this.with("expected", EXPECTED[why]);
  }
}

/**
 * How a platform wants a value.
 *
 * - `plain`: in clear; the platform matches on it as it is, or hashes itself.
 * - `sha256-hex`, `sha1-hex`: in hexadecimal, small letters.
 * - `sha256-base64`: of the digest's 32 bytes, never of its hexadecimal text.
 */
export type Form = "plain" | "sha256-hex" | "sha256-base64" | "sha1-hex";

/** A normalised value in a form. */
export function formed(form: Form, normalised: string): string {
  if (form === "plain") return normalised;
  const data = new TextEncoder().encode(normalised);
  return written(form, form === "sha1-hex" ? sha1(data) : sha256(data));
}

/** A digest in hexadecimal that was made elsewhere, in a form. */
export function adopted(form: Form, digest: string): string {
  const wanted = { plain: undefined, "sha1-hex": 20, "sha256-hex": 32, "sha256-base64": 32 }[form];
  if (!/^(?:[0-9a-f]{2})*$/i.test(digest) || digest.length / 2 !== wanted) throw new Unfit("digest");
  const pairs = digest.match(/../g) ?? [];
  return written(form, Uint8Array.from(pairs, (pair) => parseInt(pair, 16)));
}

function written(form: Form, digest: Uint8Array): string {
  if (form === "sha256-base64") return btoa(String.fromCharCode(...digest));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
