/** The interface `inbound`. */

import type * as wit from "liaison:connector/inbound@0.1.0";

import type { Inbound } from "../connector.ts";
import { Fault } from "../fault.ts";
import { Delivery } from "../inbound.ts";
import type { Parsed } from "../inbound.ts";
import { answered, batch } from "./values.ts";

export const inbound = (connector: Inbound): typeof wit => ({
  handshake: (call, it) =>
    answered(() => {
      const reply = connector.handshake?.(call, delivery(it));
      if (reply === undefined) return undefined;
      const { status, contentType, body } = reply;
      return { status, headers: [["content-type", contentType]], body };
    }),
  parse: (call, it) => answered(() => connector.parse(call, delivery(it)).map(meaning)),
  register: (call, address, streams) =>
    answered(() => connector.register?.(call, address, streams) ?? cannot()),
  renew: (call, id) => answered(() => connector.renew?.(call, id) ?? cannot()),
  unregister: (call, id) =>
    answered(() => (connector.unregister === undefined ? cannot() : connector.unregister(call, id))),
});

function delivery({ method, target, headers, body, received }: wit.Delivery): Delivery {
  return new Delivery(method, target, headers, body, Number(received));
}

function meaning(meaning: Parsed): wit.Parsed {
  switch (meaning.is) {
    case "rows":
      return { tag: meaning.is, val: [meaning.stream, batch(meaning.rows)] };
    case "refetch":
      return { tag: meaning.is, val: [meaning.stream, [...meaning.keys]] };
    case "read":
      return { tag: meaning.is, val: meaning.stream };
    case "ignored":
      return { tag: meaning.is };
  }
}

function cannot(): never {
  throw Fault.notSupported("subscriptions");
}
