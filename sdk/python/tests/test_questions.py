"""An example per question: how deletes are told, what becomes of a batch of which some is
refused, and of one that the vendor takes in as a job."""

from typing import Any

from liaison_sdk import (
    Accepted,
    Action,
    Call,
    Destination,
    Done,
    Fault,
    FaultCode,
    Field,
    JobState,
    Outcome,
    Page,
    ReadRequest,
    Rejected,
    Report,
    Row,
    Running,
    Source,
    Stored,
    Stream,
    Updated,
    WriteItem,
    WriteRequest,
    http,
)
from liaison_sdk.paginate import Since, SinceRules
from liaison_sdk.testing import Exchange, Script
from liaison_sdk.time import SECOND_MICROS, format, parse

CALL = Call()
CUSTOMERS = "https://crm.example/customers"
JOBS = "https://crm.example/jobs"


class Crm(Source, Destination):
    """A CRM that tells what changed since a time, deletes among it, and takes batches in."""

    def discover(self, call: Call) -> list[Stream]:
        name = Field.text("name")
        return [Stream(name="customers", fields=[name], readable=True, writable=True)]

    def read(self, call: Call, asked: ReadRequest) -> Page:
        position = Since.of(asked)
        ask = http.get(CUSTOMERS).query("skip", position.offset)
        if position.since is not None:
            ask = ask.query("since", format(position.since))
        customers = ask.send().expect_success().json()
        rules = SinceRules(
            limit=2, precision_micros=SECOND_MICROS, overlap_micros=60 * SECOND_MICROS
        )
        return position.page([(changed(it), row(it)) for it in customers], rules)

    def write(self, call: Call, asked: WriteRequest) -> Report:
        rows = [item.patch for item in asked.items]
        job = http.post(JOBS).json(rows).send().expect_success().json()
        return Report([Accepted(job["id"])] * len(rows))

    def poll_job(self, call: Call, job: str) -> JobState:
        # One that the vendor has forgotten is `not-found`: the hub looks the rows up.
        state = http.get(f"{JOBS}/{job}").send().expect_success().json()
        if "keys" not in state:
            return Running(30)
        refused = state["refused"]
        # One outcome per item, in the order in which they were sent.
        return Done(Report([outcome(key, refused.get(key)) for key in state["keys"]]))


def changed(customer: Any) -> int:
    instant = parse(customer["changed"])
    if instant is None:
        raise Fault.drift("changed", "an instant")
    return instant


def row(customer: Any) -> Row:
    """A row that is gone is told as what it is: a snapshot would not show it either."""
    if customer["deleted"]:
        return Row.delete(customer["id"])
    return Row.upsert(customer["id"], {"name": customer["name"]})


def outcome(key: str, why: str | None) -> Outcome:
    if why is None:
        return Updated(Stored(key))
    return Rejected(Fault(FaultCode.REJECTED).vendor("", why))


def customer(id: str, minute: int, deleted: bool = False) -> dict[str, Any]:
    changed = f"2026-11-30T12:{minute:02}:00Z"
    return {"id": id, "name": "Ana", "changed": changed, "deleted": deleted}


def test_deletes_come_as_rows_and_the_next_reading_overlaps() -> None:
    with Script(
        Exchange("GET", f"{CUSTOMERS}?skip=0").reply(200, [customer("1", 1), customer("2", 9)]),
        Exchange("GET", f"{CUSTOMERS}?skip=0&since=2026-11-30T12%3A09%3A00Z").reply(
            200, [customer("2", 9, deleted=True)]
        ),
        Exchange("GET", f"{CUSTOMERS}?skip=0&since=2026-11-30T12%3A08%3A00Z").reply(200, []),
    ):
        crm, asked = Crm(), ReadRequest("customers")
        first = crm.read(CALL, asked)
        second = crm.read(CALL, asked := asked.after(first))
        third = crm.read(CALL, asked.after(second))
    assert [it.change for it in [*first.rows, *second.rows]] == ["upsert", "upsert", "delete"]
    assert first.more and not second.more and third.next == second.next


def test_jobs_are_asked_for_and_a_partial_failure_names_its_items() -> None:
    items = [WriteItem(Action.UPDATE, key, {"name": "Ana"}) for key in ("1", "2")]
    poll = Exchange("GET", f"{JOBS}/7")
    done = {"keys": ["1", "2"], "refused": {"2": "no such country"}}
    with Script(Exchange("POST", JOBS).json([{"name": "Ana"}] * 2).reply(202, {"id": "7"})):
        assert Crm().write(CALL, WriteRequest("customers", items)).verdict == [Accepted("7")] * 2
    with Script(poll.reply(200, {})):
        assert Crm().poll_job(CALL, "7") == Running(30)
    with Script(poll.reply(200, done)):
        state = Crm().poll_job(CALL, "7")
    refused = Rejected(Fault(FaultCode.REJECTED).vendor("", "no such country"))
    assert state == Done(Report([Updated(Stored("1")), refused]))
