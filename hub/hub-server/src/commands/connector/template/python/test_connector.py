"""What the connector asks and what it makes of the answers, without a network."""

from typing import Any

import pytest
from connector import STREAM, connector
from liaison_sdk import (
    Action,
    ByFields,
    ByKey,
    Call,
    Conflict,
    Created,
    Deleted,
    DuplicateOf,
    Fault,
    FaultCode,
    LookupKey,
    LookupRequest,
    Outcome,
    ReadRequest,
    Rejected,
    Row,
    Stored,
    Unknown,
    Updated,
    WriteItem,
    WriteRequest,
)
from liaison_sdk.testing import Exchange, Script

URL = "https://api.example.com/contacts"
CALL = Call.with_settings(url="https://api.example.com/")
ANA = {"id": "1", "version": 3, "name": "Ana", "email": "ana@x.fr"}
ROW = {"id": "1", "name": "Ana", "email": "ana@x.fr"}


def ask(method: str, rest: str = "") -> Exchange:
    return Exchange(method, URL + rest, credential="token")


def write(item: WriteItem, exchange: Exchange) -> Outcome:
    with Script(exchange):
        verdict = connector.write(CALL, WriteRequest(STREAM, [item])).verdict
    assert isinstance(verdict, list)
    return verdict[0]


def test_reading_follows_the_token_to_the_end() -> None:
    start = ReadRequest(STREAM)
    with Script(
        ask("GET", "?limit=100").reply(200, {"contacts": [ANA], "next": "t"}),
        ask("GET", "?limit=100&after=t").reply(200, {"contacts": [], "next": None}),
    ):
        first = connector.read(CALL, start)
        second = connector.read(CALL, start.after(first))
    assert first.rows == [Row.upsert("1", ROW, version="3")]
    assert first.more and second.snapshot_complete is not None


def test_contacts_are_found_by_key_and_by_address() -> None:
    keys: list[LookupKey] = [ByKey("1"), ByKey("9"), ByFields({"email": "ana@x.fr"})]
    with Script(
        ask("GET", "/1").reply(200, ANA),
        ask("GET", "/9").reply(404, "no such contact"),
        ask("GET", "?email=ana%40x.fr").reply(200, {"contacts": [ANA]}),
    ):
        found = connector.lookup(CALL, LookupRequest(STREAM, keys))
    assert [it is not None for it in found] == [True, False, True]


def test_every_answer_to_a_create_has_its_outcome() -> None:
    item = WriteItem(Action.CREATE, patch={"email": "ana@x.fr"}, idempotency_key="k")

    def post() -> Exchange:
        return ask("POST").header("idempotency-key", "k").json({"email": "ana@x.fr"})

    assert write(item, post().reply(201, ANA)) == Created(Stored("1", ROW, "3"))
    assert write(item, post().reply(409, {"id": "7"})) == DuplicateOf("7")


@pytest.mark.parametrize(
    "status, body, outcome",
    [
        (200, ANA, Updated),
        (412, "", Conflict),
        (404, "", Conflict),
        (422, "name is required", Rejected),
        (None, "", Unknown),
        (200, "<html>", Unknown),
    ],
)
def test_every_answer_to_an_update_has_its_outcome(
    status: int | None, body: Any, outcome: type
) -> None:
    item = WriteItem(Action.UPDATE, "1", {"name": None}, if_version="3")
    patch = ask("PATCH", "/1").header("if-match", "3").json({"name": None})
    met = patch.times_out() if status is None else patch.reply(status, body)
    assert isinstance(write(item, met), outcome)


def test_a_lost_login_is_everybodys() -> None:
    with pytest.raises(Fault) as caught:
        write(WriteItem(Action.UPDATE, "1"), ask("PATCH", "/1").reply(401))
    assert caught.value.code is FaultCode.AUTH


def test_a_delete_is_done_when_the_api_says_so() -> None:
    item = WriteItem(Action.DELETE, "1")
    assert write(item, ask("DELETE", "/1").reply(204)) == Deleted()
    assert write(item, ask("DELETE", "/1").reply(200)) == Unknown()


def test_a_check_asks_the_api() -> None:
    with pytest.raises(Fault) as caught, Script(ask("GET", "?limit=1").reply(401)):
        connector.check(CALL)
    assert caught.value.code is FaultCode.AUTH
    with pytest.raises(Fault) as caught:
        connector.check(Call.with_settings(adress=""))
    assert caught.value.code is FaultCode.CONFIG
