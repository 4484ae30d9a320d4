from typing import Any

import pytest

from liaison_sdk import (
    Action,
    Call,
    Conflict,
    Deleted,
    Fault,
    FaultCode,
    Outcome,
    Rejected,
    Report,
    Retry,
    Row,
    Unchanged,
    Unknown,
    WriteItem,
    http,
    time,
)
from liaison_sdk.testing import Exchange, Script


def outcomes(*answers: Outcome | FaultCode) -> list[Outcome]:
    left = list(answers)

    def write(_: WriteItem) -> Outcome:
        answer = left.pop(0)
        if isinstance(answer, FaultCode):
            raise Fault(answer, after_seconds=9)
        return answer

    verdict = Report.of_each([WriteItem(Action.UPDATE, "7") for _ in answers], write).verdict
    assert isinstance(verdict, list)
    return verdict


def test_a_fault_of_one_item_leaves_the_others() -> None:
    found = outcomes(FaultCode.NOT_FOUND, FaultCode.REJECTED, Unchanged())
    rejected = Rejected(Fault(FaultCode.REJECTED, after_seconds=9))
    assert found == [Conflict(), rejected, Unchanged()]


def test_a_fault_of_all_is_the_calls_while_nothing_was_written() -> None:
    with pytest.raises(Fault, match="auth"):
        outcomes(Unchanged(), FaultCode.AUTH, Deleted())
    later = Retry(9, Fault(FaultCode.RATE_LIMITED, after_seconds=9))
    assert outcomes(Deleted(), FaultCode.RATE_LIMITED, Deleted()) == [Deleted(), later, later]


@pytest.mark.parametrize("code", [FaultCode.TIMEOUT, FaultCode.SCHEMA_DRIFT, FaultCode.BUG])
def test_what_nobody_knows_is_unknown_and_ends_the_batch(code: FaultCode) -> None:
    later = Retry(9, Fault(code, after_seconds=9))
    assert outcomes(code, Deleted()) == [Unknown(), later]


@pytest.mark.parametrize(
    "status, code",
    [
        (401, "auth"),
        (403, "permission"),
        (404, "not-found"),
        (409, "conflict"),
        (429, "rate-limited"),
        (503, "transient"),
        (422, "rejected"),
    ],
)
def test_a_status_has_a_usual_meaning(status: int, code: str) -> None:
    fault = http.Response(status, (("Retry-After", "7"),)).fault()
    assert (fault.code.value, fault.after_seconds) == (code, 7 if status == 429 else None)


def test_settings_are_what_they_should_be_or_say_which_is_not() -> None:
    required, optional = {"url": str}, {"page": int}
    given = Call.with_settings(url="x", page=7).settings(required, optional)
    assert given == {"url": "x", "page": 7}
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "url"),
        ({"url": 1}, "url"),
        ({"url": "x", "page": True}, "page"),
        ({"url": "x", "adress": ""}, "adress"),
    ]
    for wrong, place in cases:
        with pytest.raises(Fault) as caught:
            Call.with_settings(**wrong).settings(required, optional)
        assert (caught.value.code, caught.value.place) == (FaultCode.CONFIG, place)


@pytest.mark.parametrize(
    "text, instant",
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T12:00:00.5Z", 951_825_600_500_000),
        ("2026-11-30T12:00:00.1234567+01:00", 1_796_036_400_123_456),
        ("1969-12-31T23:59:59-00:30", 1_799_000_000),
        ("2026-11-30 11:00:00z", 1_796_036_400_000_000),
    ],
)
def test_instants_are_read_and_written(text: str, instant: int) -> None:
    assert time.parse(text) == instant
    assert time.parse(time.format(instant)) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-28",
        "2026-02-28T22:30:00",
        "2026-02-29T22:30:00Z",
        "2026-02-28T24:30:00Z",
        "2026-02-28T22:30:00+1:00",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    assert time.parse(text) is None


def test_rows_and_items_are_the_lines_of_the_contract() -> None:
    line = '{"key":"1","change":"upsert","data":{"a":null},"version":"3"}'
    assert Row.upsert("1", {"a": None}, version="3").to_line() == line
    line = '{"change":"invalid","raw":"x","place":"line 2","problem":"columns"}'
    assert Row.invalid(None, "line 2", "columns", "x").to_line() == line
    line = '{"action":"update","key":"7","patch":{"a":null},"if-version":"3"}'
    assert WriteItem.of_line(line) == WriteItem(Action.UPDATE, "7", {"a": None}, if_version="3")


def test_a_script_names_what_differs_and_what_was_not_made() -> None:
    def ask() -> Exchange:
        return Exchange("POST", "https://x.test/1").json({"a": [1]})

    def post(*body: int) -> int:
        return http.post("https://x.test/1").json({"a": list(body)}).send().status

    with Script(ask()):
        assert post(1) == 200
    with pytest.raises(AssertionError, match="body of POST"), Script(ask()):
        post(2)
    with pytest.raises(AssertionError, match="made GET"), Script(ask()):
        http.get("https://x.test/2").send()
    with pytest.raises(AssertionError, match="not made"), Script(ask()):
        pass
    with pytest.raises(Fault) as caught, Script(ask().times_out()):
        post(1)
    assert (caught.value.code, caught.value.place) == (FaultCode.TIMEOUT, "x.test")
