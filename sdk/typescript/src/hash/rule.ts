/** What the platforms' rules are put together from. */

import { hasSpace, small, trimmed, withoutSpaces } from "../letters.ts";
import * as phone from "../phone.ts";
import { Unfit } from "./kind.ts";
import type { Form } from "./kind.ts";

/** ISO 3166-1 alpha-2: the codes that are assigned to a country. */
export const COUNTRIES: ReadonlySet<string> = new Set(
  `
  AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
  BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
  EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
  GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
  KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
  MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
  QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
  TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM
  ZW
`
    .trim()
    .split(/\s+/),
);
const FIRST_YEAR = 1900;

/** To the form in which a value is compared. */
export type Normalise = (value: string) => string;

/** What a platform does to one kind of value, and how it is sent. */
export interface Rule {
  readonly normalise: Normalise;
  readonly form: Form;
}

/** Sent in clear. */
export const plain = (normalise: Normalise): Rule => ({ normalise, form: "plain" });
/** Sent as SHA-256 in hexadecimal. */
export const hashed = (normalise: Normalise): Rule => ({ normalise, form: "sha256-hex" });

/** An address in small letters, without white space at either end. */
export function email(value: string): string {
  const address = small(value);
  parts(address);
  return address;
}

/** An address in small letters, without any white space. */
export const emailWithoutSpaces = (value: string): string => email(withoutSpaces(value));

/** An address as `email`; in these domains, where dots mean nothing and a plus begins a tag,
 * without both. */
export const emailWithoutTags =
  (...domains: string[]): Normalise =>
  (value) => {
    const address = email(value);
    const [local, domain] = parts(address);
    if (!domains.includes(domain)) return address;
    const bare = local.replace(/\+.*$/s, "").replaceAll(".", "");
    if (bare === "") throw new Unfit("email");
    return `${bare}@${domain}`;
  };

/** What is left and right of the one `@`. Stricter than some of the platforms' own code: an
 * address that can receive nothing matches nobody. */
function parts(address: string): [local: string, domain: string] {
  const [local = "", domain = "", ...more] = address.split("@");
  const labels = domain.split(".");
  const sound = local !== "" && more.length === 0 && labels.length > 1 && !labels.includes("");
  if (!sound || hasSpace(address)) throw new Unfit("email");
  return [local, domain];
}

/** Country code and number, digits only. */
export function phoneDigits(value: string): string {
  const digits = phone.digits(value);
  if (digits === undefined) throw new Unfit("phone");
  return digits;
}

/** The same with a plus: E.164. */
export const phoneE164 = (value: string): string => `+${phoneDigits(value)}`;

/** A country, in capital letters. */
export function country(value: string): string {
  const code = trimmed(value).toUpperCase();
  if (!COUNTRIES.has(code)) throw new Unfit("country");
  return code;
}

/** A country, in small letters. */
export const countrySmall = (value: string): string => country(value).toLowerCase();

/** A day of birth: its year, month and day, each with all its digits. */
export function birth(value: string): [year: string, month: string, day: string] {
  const text = trimmed(value);
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? /^(\d{4})(\d\d)(\d\d)$/.exec(text);
  const [, year = "", month = "", day = ""] = found ?? [];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const exists = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if (!found || Number(year) < FIRST_YEAR || !exists) throw new Unfit("birth-date");
  return [year, month, day];
}
