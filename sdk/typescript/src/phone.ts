/**
 * Telephone numbers, as far as it can be done without knowing every country's plan: the
 * digits of an international number, and a national number made international by somebody
 * who knows whose it is.
 *
 *     phone.digits("+33 (6) 12-34-56-78"); // "33612345678"
 *     phone.digits("06 12 34 56 78"); // undefined: whose country?
 *     phone.international("06 12 34 56 78", "33", "0"); // "+33612345678"
 */

import { trimmed } from "./letters.ts";

/** Fewest digits of an international number, country code included. */
export const DIGITS_MIN = 7;
/** Most digits of an international number (E.164), country code included. */
export const DIGITS_MAX = 15;

/**
 * The digits of an international number, country code first, without plus or `00`. None when
 * it is no such number: too few digits or too many, a national one (no country code begins
 * with a zero), or one with the trunk zero in brackets, of which nobody knows whether it
 * belongs there.
 */
export function digits(number: string): string | undefined {
  if (number.includes("(0)")) return undefined;
  const all = onlyDigits(number);
  const found = trimmed(number).startsWith("+") ? all : all.replace(/^00/, "");
  const fits = found.length >= DIGITS_MIN && found.length <= DIGITS_MAX && !found.startsWith("0");
  return fits ? found : undefined;
}

/**
 * A number with its plus (E.164). One without plus or `00` is taken for one of the country
 * with that calling code, and loses the prefix that is dialled within the country only (`0`
 * in most of Europe, `1` in North America, nothing in Italy).
 */
export function international(
  number: string,
  callingCode: string,
  trunkPrefix: string,
): string | undefined {
  const text = trimmed(number);
  if (text.startsWith("+") || text.startsWith("00")) return withPlus(digits(text));
  const all = onlyDigits(text);
  const national = all.startsWith(trunkPrefix) ? all.slice(trunkPrefix.length) : all;
  return national === "" ? undefined : withPlus(digits(`+${callingCode}${national}`));
}

const onlyDigits = (text: string): string => text.replace(/[^0-9]/g, "");

function withPlus(digits: string | undefined): string | undefined {
  return digits === undefined ? undefined : `+${digits}`;
}
