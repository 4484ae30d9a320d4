/**
 * Audiences: containers at a vendor, and who is in them.
 *
 * A connector names what it matches people by as the fields of a stream of memberships
 * (`members`), each with its hash profile. The hub hands values over in clear, under the names
 * of these fields; `hash` makes of them what the platform wants.
 *
 *     export const connector: Connector & Audience = {
 *       discover() {
 *         const hashProfile = Profile.META.annotation("email");
 *         return [members("members", 1_000, [field.text("email", { pii: "email", hashProfile })])];
 *       },
 *       writeMembers(call, request) {
 *         const add = request.members.map((it) =>
 *           Profile.META.prepare("email", identity(it, "email") ?? ""));
 *         const url = `https://ads.example/audiences/${request.container}`;
 *         http.post(url).json({ add }).send().expectSuccess();
 *         return memberReport(request.members.map(() => ({ is: "done" })));
 *       },
 *       ...
 *     };
 */

import type { JsonObject } from "./exact.ts";
import { Fault } from "./fault.ts";
import { NO_HINTS } from "./row.ts";
import type { Hints } from "./row.ts";
import { atMost } from "./write.ts";
import type { Consent } from "./write.ts";

/** Most pages that are looked through for a title. */
const PAGES_MAX = 100;

/** A list, audience or segment at the vendor. */
export interface Container {
  /** Its key. */
  readonly key: string;
  /** For people. */
  readonly title: string;
  /** Its kind, in the vendor's words. */
  readonly kind?: string;
  /** Members, as far as the vendor tells. */
  readonly size?: number;
  /** It can be filled in so many seconds; none = at once. */
  readonly readyAfterSeconds?: number;
}

/** Some containers, and where to go on; none = that was all. */
export interface ContainerPage {
  readonly items: readonly Container[];
  readonly next?: Uint8Array;
}

/** A container that should be there. */
export interface ContainerWish {
  /** Its key, where it is known. */
  readonly key?: string | undefined;
  /** For people; where no key is known, the container of this title is meant. */
  readonly title: string;
  /** Its kind, in the vendor's words; empty = the usual one. */
  readonly kind: string;
  /** Further settings. */
  readonly settings: JsonObject;
}

/** A container by its title, as a test wishes for it. */
export const wish = (title: string): ContainerWish => ({ title, kind: "", settings: {} });

/**
 * The container of a wish's title, by pages of containers; of several the one with the lowest
 * number, which is the oldest where keys are numbers that grow. Throws `config` for no title,
 * `schema-drift` for a list without an end.
 */
export function findContainer(
  { title }: ContainerWish,
  page: (cursor: Uint8Array | undefined) => ContainerPage,
): Container | undefined {
  if (title.trim() === "") throw Fault.config("title", "the name of a container");
  let [oldest, cursor]: [Container | undefined, Uint8Array | undefined] = [undefined, undefined];
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { items, next } = page(cursor);
    for (const it of items) {
      if (it.title === title && (oldest === undefined || isBefore(it.key, oldest.key))) oldest = it;
    }
    if (next === undefined) return oldest;
    if (cursor !== undefined && String(next) === String(cursor)) break;
    cursor = next;
  }
  throw Fault.drift("containers", "a list of containers that ends");
}

function isBefore(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length;
}

/** A value that names somebody, in clear, in a namespace: a field of the stream of
 * memberships. */
export interface Identity {
  readonly namespace: string;
  readonly value: string;
}

/** One member's change. */
export interface Member {
  /** In or out. */
  readonly change: "add" | "remove";
  /** The row at the vendor, where it is known. */
  readonly key?: string | undefined;
  /** The identities to match by; all are of one person. */
  readonly identities: readonly Identity[];
  /** Consents that travel along. */
  readonly consents: readonly Consent[];
  /** How long the vendor may keep it. */
  readonly ttlSeconds?: number | undefined;
  /** Stable across retries. */
  readonly idempotencyKey: string;
}

/** A member as a test makes it: `member("add", { email: "ana@x.fr" })`. */
export function member(change: "add" | "remove", identities: Record<string, string>): Member {
  const each = Object.entries(identities).map(([namespace, value]) => ({ namespace, value }));
  return { change, identities: each, consents: [], idempotencyKey: "" };
}

/** A member's first value in a namespace. */
export function identity(member: Member, namespace: string): string | undefined {
  return member.identities.find((it) => it.namespace === namespace)?.value;
}

/** A replacement of everybody in a container, in several calls. */
export interface ReplaceSession {
  /** Its id, given by the hub. */
  readonly id: bigint;
  /** The number of this call, from 1. */
  readonly sequence: number;
  /** This is the last call. */
  readonly last: boolean;
  /** Members in all calls together, where known. */
  readonly total?: number | undefined;
}

/** Changes of members of one container. */
export interface MemberRequest {
  /** The container. */
  readonly container: string;
  /** The changes, within the batch rules of the stream of memberships. */
  readonly members: readonly Member[];
  /** They are a part of everybody who is to remain; none = they are changes. */
  readonly session?: ReplaceSession | undefined;
}

/** Refuses more members than a write may have. Throws `rejected`. */
export function expectAtMostMembers(request: MemberRequest, itemsMax: number): void {
  atMost("members", request.members.length, itemsMax);
}

/**
 * What became of one member.
 *
 * - `done`.
 * - `accepted`: taken in; the result comes with the job, by `pollJob`.
 * - `unmatched`: nobody at the vendor fits.
 * - `retry`: not now, and not before so many seconds; nothing was changed.
 * - `rejected`: refused; nothing was changed.
 * - `unknown`: it cannot be known.
 */
export type MemberOutcome =
  | { readonly is: "done" | "unmatched" | "unknown" }
  | { readonly is: "accepted"; readonly job: string }
  | { readonly is: "retry"; readonly afterSeconds: number | undefined }
  | { readonly is: "rejected"; readonly fault: Fault };

/** What a fault means for members while others of their request were changed. */
export function memberAfter(fault: Fault): MemberOutcome {
  switch (fault.code) {
    case "timeout":
    case "schema-drift":
    case "bug":
      return { is: "unknown" };
    case "rejected":
      return { is: "rejected", fault };
    default:
      return { is: "retry", afterSeconds: fault.afterSeconds };
  }
}

/** Counts, from vendors that never say which member failed. Within a session they may be of
 * all its calls so far. */
export interface MemberCounts {
  /** Members received. */
  readonly received: number;
  /** Members found invalid. */
  readonly invalid: number;
  /** Members matched, as far as the vendor tells. */
  readonly matched?: number;
}

/** The answer to changes of members: one outcome per member, in order; or counts. */
export interface MemberReport {
  readonly verdict: { readonly items: readonly MemberOutcome[] } | MemberCounts;
  /** What the call learned besides. */
  readonly hints: Hints;
}

/** A report of these outcomes. */
export function memberReport(items: readonly MemberOutcome[], hints: Hints = NO_HINTS): MemberReport {
  return { verdict: { items }, hints };
}
