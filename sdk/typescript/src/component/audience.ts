/** The interface `audience`. */

import type * as wit from "liaison:connector/audience@0.1.0";

import type { Container, MemberOutcome, MemberRequest } from "../audience.ts";
import type { Audience } from "../connector.ts";
import * as exact from "../exact.ts";
import type { JsonObject } from "../exact.ts";
import { answered, fault, hints } from "./values.ts";

const wide = (number: number | undefined): bigint | undefined =>
  number === undefined ? undefined : BigInt(number);

export const audience = (connector: Audience): typeof wit => ({
  containers: (call, cursor) =>
    answered(() => {
      const { items, next } = connector.containers(call, cursor);
      return { items: items.map(container), next };
    }),
  ensureContainer: (call, wish) =>
    answered(() => {
      const settings = exact.parse(wish.settings === "" ? "{}" : wish.settings) as JsonObject;
      return container(connector.ensureContainer(call, { ...wish, settings }));
    }),
  deleteContainer: (call, key) => answered(() => connector.deleteContainer(call, key)),
  writeMembers: (call, container, members, session) =>
    answered(() => {
      const total = session?.total === undefined ? undefined : Number(session.total);
      const request: MemberRequest = {
        container,
        members,
        session: session && { ...session, total },
      };
      const { verdict, hints: learned } = connector.writeMembers(call, request);
      const told: wit.MemberVerdict =
        "items" in verdict
          ? { tag: "items", val: verdict.items.map(outcome) }
          : {
              tag: "aggregate",
              val: {
                received: BigInt(verdict.received),
                invalid: BigInt(verdict.invalid),
                matched: wide(verdict.matched),
              },
            };
      return { verdict: told, hints: hints(learned) };
    }),
});

function container({ key, title, kind, size, readyAfterSeconds }: Container): wit.Container {
  return { key, title, kind: kind ?? "", size: wide(size), readyAfterSeconds };
}

function outcome(outcome: MemberOutcome): wit.MemberOutcome {
  switch (outcome.is) {
    case "accepted":
      return { tag: outcome.is, val: outcome.job };
    case "retry":
      return { tag: outcome.is, val: outcome.afterSeconds };
    case "rejected":
      return { tag: outcome.is, val: fault(outcome.fault) };
    default:
      return { tag: outcome.is };
  }
}
