/** White space and letters as Unicode has them: `String.trim` takes the byte order mark for
 * white space, and leaves the next line of EBCDIC. Digests must be those of the other SDKs. */

import { isLetterOrNumber } from "./alphabet.ts";

const WHITE = "[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const SPACE = new RegExp(WHITE);
const SPACES = new RegExp(WHITE, "g");
const AT_ENDS = new RegExp(`^${WHITE}+|${WHITE}+$`, "g");

/** Without white space at either end. */
export const trimmed = (text: string): string => text.replace(AT_ENDS, "");

/** Without any white space. */
export const withoutSpaces = (text: string): string => text.replace(SPACES, "");

/** Whether there is white space in it. */
export const hasSpace = (text: string): boolean => SPACE.test(text);

/** Only the letters and digits of any script, and the white space between them. */
export function lettersAndDigits(text: string): string {
  const kept = (it: string): boolean => isLetterOrNumber(it.codePointAt(0) ?? 0) || hasSpace(it);
  return [...text].filter(kept).join("");
}

// What a sigma looks through for its neighbour: marks, and the signs within words.
const LOOKED_THROUGH =
  "['.:^`\\xa8\\xad\\xaf\\xb4\\xb7\\xb8\\u02b0-\\u036f\\u0483-\\u0489\\u0591-\\u05bd\\u1ab0-\\u1aff" +
  "\\u1dc0-\\u1dff\\u200b-\\u200f\\u2018\\u2019\\u2024\\u2027\\u20d0-\\u20f0\\ufe00-\\ufe0f]*";
const BEFORE = new RegExp(`(.)${LOOKED_THROUGH}$`, "su");
const AFTER = new RegExp(`^${LOOKED_THROUGH}(.)`, "su");

/** In small letters. The engine of a component knows no sigma at the end of a word. */
export function lower(text: string): string {
  const sigma = (_: string, at: number): string => {
    const ends = isCased(BEFORE.exec(text.slice(0, at))) && !isCased(AFTER.exec(text.slice(at + 1)));
    return ends ? "ς" : "σ";
  };
  return text.replace(/Σ/g, sigma).toLowerCase();
}

function isCased(found: RegExpExecArray | null): boolean {
  const letter = found?.[1] ?? "";
  return letter.toLowerCase() !== letter.toUpperCase();
}

/** Without white space at either end, in small letters. */
export const small = (text: string): string => lower(trimmed(text));
