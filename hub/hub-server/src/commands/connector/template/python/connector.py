"""A two-way connector of a small REST API of contacts.

The API pages by a token, checks versions (`If-Match`), refuses an address that is taken
already (409, with the contact that has it), and takes a bearer token. `README.md` lists
its requests.
"""

from __future__ import annotations

from typing import Any

from liaison_sdk import (
    Action,
    BatchRules,
    ByKey,
    Call,
    Created,
    Deleted,
    Destination,
    DuplicateOf,
    Fault,
    Field,
    Found,
    Idempotency,
    Lookup,
    LookupKey,
    LookupRequest,
    Outcome,
    Page,
    ReadRequest,
    Report,
    Row,
    Source,
    Stored,
    Stream,
    Updated,
    WriteItem,
    WriteRequest,
    found,
    http,
)
from liaison_sdk.paginate import NextToken

STREAM = "contacts"
"""The only stream."""
PAGE_ROWS = 100
"""Rows of a page."""

Contact = dict[str, Any]


class Contacts(Source, Lookup, Destination):
    def discover(self, call: Call) -> list[Stream]:
        stream = Stream(
            name=STREAM,
            title="Contacts",
            readable=True,
            complete_snapshots=True,
            writable=True,
            batches=BatchRules(items_max=50),
            conditional_writes=True,
            idempotency=Idempotency.KEY,
            primary_key=["id"],
            fields=[
                Field.text("id", read_only=True, pii="id"),
                Field.text("name", title="Name", pii="name"),
                Field.text("email", title="E-mail", matchable=True, unique=True, pii="email"),
            ],
        )
        return [stream]

    def check(self, call: Call) -> None:
        contacts(request(call, "GET").query("limit", 1).send())

    def read(self, call: Call, asked: ReadRequest) -> Page:
        known(asked.stream)
        position = NextToken.of(asked)
        ask = request(call, "GET").query("limit", PAGE_ROWS)
        if position.token is not None:
            ask = ask.query("after", position.token)
        rows, following = contacts(ask.send())
        return position.page(rows, following)

    def lookup(self, call: Call, asked: LookupRequest) -> list[Found]:
        known(asked.stream)
        return [find(call, key) for key in asked.keys]

    def write(self, call: Call, asked: WriteRequest) -> Report:
        known(asked.stream)
        return Report.of_each(asked.items, lambda item: write(call, item))


def find(call: Call, key: LookupKey) -> Found:
    if isinstance(key, ByKey):
        answer = request(call, "GET", key.key).send()
        return None if answer.status == 404 else row(contact(answer))
    email = key.fields.get("email")
    if not isinstance(email, str):
        raise Fault.not_supported("a search by other fields")
    rows, _ = contacts(request(call, "GET").query("email", email).send())
    return found(rows)


def write(call: Call, item: WriteItem) -> Outcome:
    match item.action:
        case Action.CREATE:
            ask = request(call, "POST").header("idempotency-key", item.idempotency_key)
            answer = ask.json(item.patch).send()
            if answer.status == 409:
                return DuplicateOf(text(answer.json(), "id"))
            return Created(stored(contact(answer)))
        case Action.UPDATE:
            ask = bound(request(call, "PATCH", item.known_key()), item)
            return Updated(stored(contact(ask.json(item.patch).send())))
        case Action.DELETE:
            ask = bound(request(call, "DELETE", item.known_key()), item)
            status = ask.send().expect_success().status
            if status != 204:
                raise Fault.drift("status", "204").given("status", status)
            return Deleted()
        case Action.ARCHIVE:
            raise Fault.not_supported("archiving")


def bound(ask: http.Request, item: WriteItem) -> http.Request:
    """Only if the contact still has the version that the hub knows."""
    return ask if item.if_version is None else ask.header("if-match", item.if_version)


def stored(contact: Contact) -> Stored:
    """The contact as the API stored it. What it normalised is seen here."""
    return Stored(text(contact, "id"), fields(contact), text(contact, "version"))


def row(contact: Contact) -> Row:
    return Row.upsert(text(contact, "id"), fields(contact), version=text(contact, "version"))


def fields(contact: Contact) -> Contact:
    """What discovery names. The version travels beside the row, not in it."""
    return {name: value for name, value in contact.items() if name != "version"}


def text(contact: Any, name: str) -> str:
    value = contact.get(name) if isinstance(contact, dict) else None
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise Fault.drift(name, "text or a number")


def contact(answer: http.Response) -> Contact:
    it = answer.expect_success().json()
    if not isinstance(it, dict):
        raise Fault.drift("response", "a contact")
    return it


def contacts(answer: http.Response) -> tuple[list[Row], str | None]:
    """A page of the API, or the answer to a search, and the token of the next page."""
    page = answer.expect_success().json()
    if not isinstance(page, dict) or not isinstance(page.get("contacts"), list):
        raise Fault.drift("response", "contacts")
    following = page.get("next")
    if not isinstance(following, (str, type(None))):
        raise Fault.drift("next", "text")
    return [row(it) for it in page["contacts"]], following


def request(call: Call, method: str, key: str = "") -> http.Request:
    """A request to the contacts, or to one of them."""
    base = call.settings({"url": str})["url"].rstrip("/")
    path = f"/contacts/{http.percent_encode(key)}" if key else "/contacts"
    return http.Request(method, base + path).credential("token")


def known(stream: str) -> None:
    if stream != STREAM:
        raise Fault.config("stream", STREAM)


connector = Contacts()
