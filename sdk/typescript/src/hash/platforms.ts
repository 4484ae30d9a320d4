/** The rules of each platform. Their sources, and where a platform contradicts itself, are
 * named by the modules of the same names in `sdk/liaison-sdk/src/hash`. */

import { lettersAndDigits, lower, small, trimmed, withoutSpaces } from "../letters.ts";
import { Unfit } from "./kind.ts";
import type { Kind } from "./kind.ts";
import {
  birth,
  country,
  countrySmall,
  email,
  emailWithoutSpaces,
  emailWithoutTags,
  hashed,
  phoneDigits,
  phoneE164,
  plain,
} from "./rule.ts";
import type { Normalise, Rule } from "./rule.ts";

/** Digits of a number of the North American plan, without its country code. */
const NATIONAL_DIGITS = 10;

/** In small letters: letters, digits and the white space between them. */
const googlePlace: Normalise = (value) => lettersAndDigits(small(value));
/** Not the first half of a letter that is two units of UTF-16. */
const initial: Normalise = (value) => [...small(value)].slice(0, 1).join("");

const gender: Normalise = (value) => {
  const letter = initial(value);
  if (letter !== "f" && letter !== "m") throw new Unfit("gender");
  return letter;
};

/** A town or a state: without digits, white space, dots, hyphens and brackets. */
const metaPlace: Normalise = (value) => withoutSpaces(lower(value)).replace(/[0-9.\-()]/g, "");
/** Without white space, up to the first hyphen. */
const metaPostcode: Normalise = (value) => lower(withoutSpaces(value)).replace(/-.*$/s, "");

/** The ten digits of a number of the North American plan. */
const national: Normalise = (value) => {
  const digits = phoneDigits(value);
  if (!digits.startsWith("1") || digits.length !== NATIONAL_DIGITS + 1) throw new Unfit("phone");
  return digits.slice(1);
};

/** What is taken by a platform, and what is done to it. */
export type Rules = Partial<Record<Kind, Rule>>;

export const META: Rules = {
  email: hashed(email),
  phone: hashed(phoneDigits),
  "first-name": hashed(small),
  "last-name": hashed(small),
  "first-initial": hashed(initial),
  gender: hashed(gender),
  "birth-date": hashed((value) => birth(value).join("")),
  "birth-year": hashed((value) => birth(value)[0]),
  "birth-month": hashed((value) => birth(value)[1]),
  "birth-day": hashed((value) => birth(value)[2]),
  city: hashed(metaPlace),
  region: hashed(metaPlace),
  postcode: hashed(metaPostcode),
  country: hashed(countrySmall),
  "external-id": plain(trimmed),
  "device-id": plain(small),
};

export const GOOGLE: Rules = {
  email: hashed(emailWithoutTags("gmail.com", "googlemail.com")),
  phone: hashed(phoneE164),
  "first-name": hashed(small),
  "last-name": hashed(small),
  street: hashed(googlePlace),
  city: plain(googlePlace),
  region: plain(googlePlace),
  postcode: plain(trimmed),
  country: plain(country),
};

export const LINKEDIN: Rules = {
  email: hashed(email),
  "first-name": plain(trimmed),
  "last-name": plain(trimmed),
  "external-id": plain(trimmed),
  "device-id": plain(trimmed),
  country: plain(country),
};

export const TIKTOK: Rules = {
  email: hashed(emailWithoutSpaces),
  phone: hashed(phoneE164),
  "device-id": hashed(small),
  "external-id": hashed(trimmed),
};

export const UID2: Rules = {
  email: { normalise: emailWithoutTags("gmail.com"), form: "sha256-base64" },
  phone: { normalise: phoneE164, form: "sha256-base64" },
};

export const LIVERAMP: Rules = {
  email: hashed(emailWithoutSpaces),
  phone: { normalise: national, form: "sha1-hex" },
  "first-name": plain(trimmed),
  "last-name": plain(trimmed),
  street: plain(trimmed),
  city: plain(trimmed),
  region: plain(trimmed),
  postcode: plain((value) => trimmed(value).replaceAll("-", "")),
};

export const ADOBE: Rules = {
  email: hashed(email),
  "external-id": plain(trimmed),
  "device-id": plain(trimmed),
};
