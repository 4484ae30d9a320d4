/**
 * Write a connector for Liaison in TypeScript: a manifest and a few functions.
 *
 * A connector is a WebAssembly component that reads from, writes to, or sends through one
 * vendor. The hub owns the loop, the schedule, the retries, the credentials and the decisions
 * about data; a connector translates. `sdk/README.md` grows one step by step, and holds the
 * connector specification. This package is the contract of `sdk/liaison-sdk/wit` in
 * TypeScript: the same words as the Rust SDK, and the same rules.
 *
 * - **The connector classifies.** An HTTP status is not an outcome: answer with one outcome
 *   per item, and throw a `Fault` whose code says what the hub should do next.
 * - **Values are exact.** JSON is read and written by `exact`: a number that a double does not
 *   hold is a `Decimal`.
 * - **No state.** What reading needs to go on belongs into the cursor.
 * - **A broken row is a row** (`row.invalid`): it goes to quarantine, the page goes on.
 * - **A complete snapshot deletes.** Say `Page.complete` only when every row was shown since
 *   the cursor was empty.
 * - **What is pushed is a hint** (`Inbound`) wherever the vendor can also be asked: name the
 *   rows, and the hub looks them up.
 * - **No clock, no randomness, no files, no sockets** but `clock`, `random`, `http`, `files`,
 *   `mail` and `crypto`. A component asks its host for those of the last three that the
 *   connector uses. An error that is no `Fault` ends the call as a `bug`.
 *
 * `liaison-ts build` makes the component; `liaison-sdk/testing` is a host that follows a
 * script, so that tests (`liaison-ts test`) need neither component nor network.
 */

export * as crypto from "./crypto.ts";
export * as exact from "./exact.ts";
export * as files from "./files.ts";
export * as hash from "./hash.ts";
export * as http from "./http.ts";
export * as mail from "./mail.ts";
export * as paginate from "./paginate.ts";
export * as phone from "./phone.ts";
export * as time from "./time.ts";
export { expectAtMostMembers, findContainer, identity, member, memberAfter, memberReport, wish } from "./audience.ts";
export type {
  Container,
  ContainerPage,
  ContainerWish,
  Identity,
  Member,
  MemberCounts,
  MemberOutcome,
  MemberReport,
  MemberRequest,
  ReplaceSession,
} from "./audience.ts";
export { callWith, settings } from "./call.ts";
export type { Call } from "./call.ts";
export type { AnyConnector, Audience, Connector, Destination, Inbound, Lookup, Source } from "./connector.ts";
export { Decimal } from "./exact.ts";
export type { Json, JsonObject } from "./exact.ts";
export { Fault } from "./fault.ts";
export type { FaultCode } from "./fault.ts";
export { found } from "./find.ts";
export type { Found, LookupKey, LookupRequest } from "./find.ts";
export { Delivery, parsed, replyText } from "./inbound.ts";
export type { Parsed, Reply, Subscription } from "./inbound.ts";
export { Page, cursorOf, reading, row } from "./row.ts";
export type { About, Hints, Notice, RateHint, ReadRequest, Row } from "./row.ts";
export { field, members } from "./stream.ts";
export type { BatchRules, EntityKind, Field, FieldOptions, Idempotency, Stream } from "./stream.ts";
export { clock, log, random } from "./surroundings.ts";
export { expectAtMost, item, keyOf, outcomeAfter, report, reportOfEach } from "./write.ts";
export type {
  Action,
  Consent,
  JobState,
  Outcome,
  Report,
  Stored,
  WriteItem,
  WriteRequest,
} from "./write.ts";
