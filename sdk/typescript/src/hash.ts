/**
 * What an ad platform or an onboarding partner wants done to a value before it may match on
 * it.
 *
 * The platforms agree on SHA-256 and on nothing else. `Jane.Doe+x@Gmail.com` keeps dots and
 * tag for Meta, loses both for Google and UID2, and the last of these wants Base64 where the
 * others want hexadecimal. A digest of the wrong form is not an error anywhere: it just
 * matches nobody. So there is no "hash of an e-mail" here, only what one `Profile` does to
 * one `Kind` of value:
 *
 *     Profile.META.prepare("email", "John_Smith@gmail.com"); // "62a14e44f765419d..."
 *     Profile.GOOGLE.normalise("email", "Jane.Doe+x@Gmail.com"); // "janedoe@gmail.com"
 *     Profile.GOOGLE.prepare("country", " fr "); // "FR": sent in clear
 *     Profile.META.prepare("email", "nobody"); // throws Unfit
 *
 * - **Never guess that a value is hashed already.** A value of 64 hexadecimal digits may be a
 *   customer's number. Where the mapping says that a field holds digests, use `adopt`.
 * - **Telephone numbers are international.** Which country a national number belongs to is
 *   known to whoever has the row; see `phone`.
 * - **A value that is unfit is the item's fault, not the batch's**: `Unfit` is a `Fault`, for
 *   `rejected`.
 * - Values are taken as the hub hands them over: Unicode in form C.
 *
 * What each platform's rules come from, and where its own code and documentation disagree,
 * is written in the Rust SDK (`sdk/liaison-sdk/src/hash`). Both give the same digests: they
 * are held to the same vectors (`sdk/vectors`).
 */

import { adopted, formed, Unfit } from "./hash/kind.ts";
import type { Form, Kind } from "./hash/kind.ts";
import { ADOBE, GOOGLE, LINKEDIN, LIVERAMP, META, TIKTOK, UID2 } from "./hash/platforms.ts";
import type { Rules } from "./hash/platforms.ts";
import type { Rule } from "./hash/rule.ts";
import { trimmed } from "./letters.ts";

export { KINDS, Unfit } from "./hash/kind.ts";
export type { Form, Kind } from "./hash/kind.ts";

/** Whose rules. */
export class Profile {
  /** Meta: Conversions API and Custom Audiences. */
  static readonly META = new Profile("meta", META);
  /** Google: Data Manager API, Customer Match. */
  static readonly GOOGLE = new Profile("google", GOOGLE);
  /** LinkedIn: Matched Audiences, Conversions API. */
  static readonly LINKEDIN = new Profile("linkedin", LINKEDIN);
  /** TikTok: Customer File audiences, Events API. */
  static readonly TIKTOK = new Profile("tiktok", TIKTOK);
  /** UID2 and The Trade Desk. */
  static readonly UID2 = new Profile("uid2", UID2);
  /** LiveRamp onboarding files. */
  static readonly LIVERAMP = new Profile("liveramp", LIVERAMP);
  /** Adobe Audience Manager. */
  static readonly ADOBE = new Profile("adobe", ADOBE);
  /** All of them. */
  static readonly ALL: readonly Profile[] = [
    Profile.META,
    Profile.GOOGLE,
    Profile.LINKEDIN,
    Profile.TIKTOK,
    Profile.UID2,
    Profile.LIVERAMP,
    Profile.ADOBE,
  ];

  /** Its word. */
  readonly name: string;
  readonly #rules: Rules;

  private constructor(name: string, rules: Rules) {
    this.name = name;
    this.#rules = rules;
  }

  /** The annotation of a field that holds such a value, for `hashProfile`: `meta/email`. */
  annotation(kind: Kind): string {
    return `${this.name}/${kind}`;
  }

  /** How the platform wants it; none where it takes no such value. */
  form(kind: Kind): Form | undefined {
    return this.#rules[kind]?.form;
  }

  /** The value as this platform matches on it, not yet hashed. Throws `Unfit` when nobody
   * could be matched by it. */
  normalise(kind: Kind, value: string): string {
    const normalised = this.#rule(kind).normalise(value);
    if (trimmed(normalised) === "") throw new Unfit("empty");
    return normalised;
  }

  /** The value as it is sent: normalised, and hashed where this platform demands it. Throws
   * as `normalise`. */
  prepare(kind: Kind, value: string): string {
    return formed(this.#rule(kind).form, this.normalise(kind, value));
  }

  /**
   * A digest that was made elsewhere, in hexadecimal, in the form in which this platform wants
   * it. Only for fields of which the mapping says that they hold digests; by which rules the
   * value was normalised before cannot be seen any more. Throws `Unfit` when it is no digest
   * of the kind that is wanted, or when the value is wanted in clear.
   */
  adopt(kind: Kind, digest: string): string {
    return adopted(this.#rule(kind).form, trimmed(digest));
  }

  #rule(kind: Kind): Rule {
    const rule = this.#rules[kind];
    if (rule === undefined) throw new Unfit("not-taken");
    return rule;
  }
}
