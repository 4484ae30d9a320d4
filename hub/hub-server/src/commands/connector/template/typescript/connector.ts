/**
 * A two-way connector of a small REST API of contacts.
 *
 * The API pages by a token, checks versions (`If-Match`), refuses an address that is taken
 * already (409, with the contact that has it), and takes a bearer token. `README.md` lists
 * its requests.
 */

import { exact, Fault, field, found, http, keyOf, paginate, reportOfEach, row, settings } from "liaison-sdk";
import type {
  Call,
  Connector,
  Destination,
  Found,
  Json,
  JsonObject,
  Lookup,
  LookupKey,
  Outcome,
  Row,
  Source,
  Stored,
  WriteItem,
} from "liaison-sdk";

/** The only stream. */
export const STREAM = "contacts";
/** Rows of a page. */
const PAGE_ROWS = 100;

export const connector: Connector & Source & Lookup & Destination = {
  discover() {
    return [
      {
        name: STREAM,
        title: "Contacts",
        readable: true,
        completeSnapshots: true,
        writable: true,
        batches: { itemsMax: 50 },
        conditionalWrites: true,
        idempotency: "key",
        primaryKey: ["id"],
        fields: [
          field.text("id", { readOnly: true, pii: "id" }),
          field.text("name", { title: "Name", pii: "name" }),
          field.text("email", { title: "E-mail", matchable: true, unique: true, pii: "email" }),
        ],
      },
    ];
  },

  check(call) {
    contacts(request(call, "GET").query("limit", 1).send());
  },

  read(call, asked) {
    known(asked.stream);
    const position = paginate.NextToken.of(asked);
    const ask = request(call, "GET").query("limit", PAGE_ROWS);
    if (position.token !== undefined) ask.query("after", position.token);
    const { rows, following } = contacts(ask.send());
    return position.page(rows, following);
  },

  lookup(call, asked) {
    known(asked.stream);
    return asked.keys.map((key) => find(call, key));
  },

  write(call, asked) {
    known(asked.stream);
    return reportOfEach(asked.items, (item) => write(call, item));
  },
};

function find(call: Call, key: LookupKey): Found {
  if (key.by === "key") {
    const answer = request(call, "GET", key.key).send();
    return answer.status === 404 ? undefined : shown(answer.expectSuccess().json());
  }
  const email = key.fields["email"];
  if (typeof email !== "string") throw Fault.notSupported("a search by other fields");
  return found(contacts(request(call, "GET").query("email", email).send()).rows);
}

function write(call: Call, item: WriteItem): Outcome {
  switch (item.action) {
    case "create": {
      const ask = request(call, "POST").header("idempotency-key", item.idempotencyKey);
      const answer = ask.json(item.patch).send();
      if (answer.status === 409) return { is: "duplicate-of", key: text(answer.json(), "id") };
      return { is: "created", stored: stored(answer) };
    }
    case "update": {
      const ask = bound(request(call, "PATCH", keyOf(item)), item);
      return { is: "updated", stored: stored(ask.json(item.patch).send()) };
    }
    case "delete": {
      const { status } = bound(request(call, "DELETE", keyOf(item)), item).send().expectSuccess();
      if (status !== 204) throw Fault.drift("status", "204").with("status", status);
      return { is: "deleted" };
    }
    case "archive":
      throw Fault.notSupported("archiving");
  }
}

/** Only if the contact still has the version that the hub knows. */
function bound(ask: http.Request, item: WriteItem): http.Request {
  return item.ifVersion === undefined ? ask : ask.header("if-match", item.ifVersion);
}

/** The contact as the API stored it. What it normalised is seen here. */
function stored(answer: http.Response): Stored {
  const contact = answer.expectSuccess().json();
  return { key: text(contact, "id"), row: fields(contact), version: text(contact, "version") };
}

function shown(contact: Json): Row {
  return row.upsert(text(contact, "id"), fields(contact), { version: text(contact, "version") });
}

/** What discovery names. The version travels beside the row, not in it. */
function fields(contact: Json): JsonObject {
  if (!exact.isObject(contact)) throw Fault.drift("response", "a contact");
  const { version: _, ...fields } = contact;
  return fields;
}

function text(contact: Json, name: string): string {
  const value = exact.isObject(contact) ? contact[name] : undefined;
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw Fault.drift(name, "text or a number");
}

/** A page of the API, or the answer to a search, and the token of the next page. */
function contacts(answer: http.Response): { rows: Row[]; following: string | undefined } {
  const page = answer.expectSuccess().json();
  const list = exact.isObject(page) ? page["contacts"] : undefined;
  if (!exact.isObject(page) || !Array.isArray(list)) throw Fault.drift("response", "contacts");
  const following = page["next"] ?? undefined;
  if (following !== undefined && typeof following !== "string") throw Fault.drift("next", "text");
  return { rows: list.map(shown), following };
}

/** A request to the contacts, or to one of them. */
function request(call: Call, method: string, key = ""): http.Request {
  const { url } = settings(call, { url: "string" });
  const path = key === "" ? "/contacts" : `/contacts/${http.percentEncode(key)}`;
  return new http.Request(method, url.replace(/\/+$/, "") + path).credential("token");
}

function known(stream: string): void {
  if (stream !== STREAM) throw Fault.config("stream", STREAM);
}
