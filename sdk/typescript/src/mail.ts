/**
 * Mail through the host. The connector states an envelope, headers and a body; the host writes
 * the head, logs in, and hands the message over to a granted server.
 *
 *     const server = { address: "smtp.example.org:587", security: "starttls", credential: "login" };
 *     const deliveries = mail.send(server, {
 *       sender: "bounces@example.org",
 *       recipients: ["ana@example.org"],
 *       headers: [["From", "Shop <shop@example.org>"], ["Message-ID", "<1@example.org>"]],
 *       body: new TextEncoder().encode("Hello\r\n"),
 *     });
 *
 * Once a message was handed over nobody but the server knows whether it has it: that is
 * `unknown`, and never a fault.
 */

import { at, offered } from "./host.ts";
import type { Header } from "./host.ts";

/** How the connection is kept from being read: by TLS from the first byte on (port 465), by
 * STARTTLS or nothing is sent (port 587), or not at all, which needs a grant of its own. */
export type Security = "tls" | "starttls" | "none";

/** The server that takes mail in. */
export interface Server {
  /** `smtp.example.org:587`. */
  readonly address: string;
  /** How the connection is kept from being read. */
  readonly security: Security;
  /** The credential slot to log in with. */
  readonly credential?: string | undefined;
}

/** A message to send. */
export interface Message {
  /** The envelope's sender: where bounces go. */
  readonly sender: string;
  /** The envelope's recipients. */
  readonly recipients: readonly string[];
  /** Name and value of each header, in order: ASCII without line breaks. */
  readonly headers: readonly Header[];
  /** The body: ASCII, lines that end in CR LF. */
  readonly body: Uint8Array;
}

/** What became of one recipient: taken in, not now (4xx), refused (5xx), or handed over and
 * never answered. Each with the server's reply. */
export interface Delivery {
  readonly is: "accepted" | "deferred" | "refused" | "unknown";
  readonly reply: string;
}

/** What a host offers. */
export interface Mail {
  send(server: Server, message: Message): Delivery[];
  check(server: Server): void;
}

/**
 * Sends one message: one answer per recipient, in order.
 *
 * Throws, where nothing was sent to anybody: `host-denied`, `unreachable`, `auth`, `transient`
 * (the server takes nothing now), `permission` (it takes nothing from this sender), `limit`,
 * or `bug` for a message that is malformed.
 */
export const send = (server: Server, message: Message): Delivery[] =>
  at(server.address, () => offered("mail").send(server, message));

/** Connects and logs in, and sends nothing. Throws as `send`. */
export const check = (server: Server): void =>
  at(server.address, () => offered("mail").check(server));
