"""Every paginator against a vendor that it does not know: all rows are shown, reading ends,
and what repeats itself is refused."""

from collections.abc import Callable

import pytest

from liaison_sdk import Fault, FaultCode, Page, ReadRequest, Row
from liaison_sdk.http import Response
from liaison_sdk.paginate import (
    Keyset,
    NextToken,
    NextUrl,
    Offset,
    PageNumber,
    Since,
    SinceRules,
    Window,
    WindowRules,
    next_link,
)
from liaison_sdk.time import SECOND_MICROS as SECOND

CALLS_MAX = 5_000
START = ReadRequest("people")


def read_on(
    request: ReadRequest, read: Callable[[ReadRequest], Page]
) -> tuple[list[str], Page, ReadRequest]:
    """Reads on until there is no more: the keys in order, the last page, the next request."""
    keys: list[str] = []
    for _ in range(CALLS_MAX):
        page = read(request)
        keys += [row.key or "" for row in page.rows]
        request = request.after(page)
        if not page.more:
            return keys, page, request
    raise AssertionError("no end")


def numbered(number: int) -> Row:
    return Row.delete(f"{number:06}")


def rows_of(total: int, start: int, limit: int) -> list[Row]:
    return [numbered(it) for it in range(start, min(total, start + limit))]


@pytest.mark.parametrize("total, limit", [(0, 3), (1, 3), (3, 3), (7, 3), (20, 1), (59, 8)])
def test_counting_tokens_and_addresses_show_every_row_once(total: int, limit: int) -> None:
    def after(start: int) -> str | None:
        return str(start + limit) if start + limit < total else None

    def by_offset(request: ReadRequest) -> Page:
        position = Offset.of(request)
        return position.page(rows_of(total, position.offset, limit), limit)

    def by_number(request: ReadRequest) -> Page:
        position = PageNumber.of(request, 1)
        return position.page(rows_of(total, (position.number - 1) * limit, limit), limit)

    def by_token(request: ReadRequest) -> Page:
        position = NextToken.of(request)
        start = int(position.token or 0)
        return position.page(rows_of(total, start, limit), after(start))

    def by_url(request: ReadRequest) -> Page:
        url = NextUrl.of(request).url_or("https://x.test/people?from=0")
        start = int(url.rsplit("=", 1)[1])
        following = after(start) and f"?from={after(start)}"
        return NextUrl.of(request).page(url, rows_of(total, start, limit), following)

    for way in (by_offset, by_number, by_token, by_url):
        keys, page, request = read_on(START, way)
        assert keys == [row.key for row in rows_of(total, 0, total)]
        assert page.snapshot_complete is not None and request.cursor is None


@pytest.mark.parametrize(
    "times",
    [[], [1], [7] * 11, [1, 1, 2, 2, 2, 2, 2, 2, 3], [1, 2, 3, 4, 5, 6, 7], [1] * 4 + [60] * 9],
)
def test_twins_at_the_border_of_a_page_are_all_shown(times: list[int]) -> None:
    rules = SinceRules(limit=4, precision_micros=SECOND, overlap_micros=5 * SECOND)
    rows = [(time * SECOND, numbered(at)) for at, time in enumerate(times)]

    def read(request: ReadRequest) -> Page:
        position = Since.of(request)
        due = [it for it in rows if position.since is None or it[0] >= position.since]
        return position.page(due[position.offset :][: rules.limit], rules)

    keys, _, request = read_on(START, read)
    assert set(keys) == {row.key for _, row in rows}
    # And the next time begins the overlap earlier, however long the reading was.
    again, _, _ = read_on(request, read)
    latest = max(times, default=0)
    assert set(again) == {row.key for time, row in rows if time >= (latest - 5) * SECOND}


def test_rows_out_of_order_are_drift() -> None:
    rules = SinceRules(limit=4, precision_micros=1, overlap_micros=0)
    with pytest.raises(Fault, match="schema-drift"):
        Since().page([(2, numbered(1)), (1, numbered(2))], rules)
    with pytest.raises(Fault, match="schema-drift"):
        Since(5).page([(4, numbered(1))], rules)


def test_time_and_key_together_show_each_row_once() -> None:
    rows = [(f"t{at // 4}", numbered(at)) for at in range(10)]

    def read(request: ReadRequest) -> Page:
        position = Keyset.of(request)
        after = (position.time or "", position.key or "")
        return position.page([it for it in rows if (it[0], it[1].key) > after][:3], 3)

    keys, page, _ = read_on(START, read)
    assert keys == [row.key for _, row in rows]
    assert page.next is not None


def test_windows_follow_one_another_to_the_present_and_overlap_there() -> None:
    rules = WindowRules(first=0, span_micros=10, overlap_micros=4, lag_micros=1)
    seen: list[tuple[int, int]] = []

    def at(now: int) -> Callable[[ReadRequest], Page]:
        def read(request: ReadRequest) -> Page:
            window = Window.of(request, rules, now)
            if not window.is_empty():
                seen.append((window.start, window.end))
            token = "more" if window.token is None and not window.is_empty() else None
            return window.page([], token, rules, now)

        return read

    _, _, request = read_on(START, at(26))
    read_on(request, at(31))
    windows = [(0, 10), (10, 20), (20, 25), (21, 30)]
    assert seen == [it for it in windows for _ in range(2)]


@pytest.mark.parametrize("cursor", [b"", b"{}", b"[]", b"7", b"null", b'{"token":7}', b"\xff"])
def test_a_cursor_of_another_form_has_expired(cursor: bytes) -> None:
    with pytest.raises(Fault) as caught:
        NextToken.of(ReadRequest("people", cursor))
    assert caught.value.code is FaultCode.CURSOR_EXPIRED


def test_what_stands_still_or_leads_elsewhere_is_refused() -> None:
    with pytest.raises(Fault, match="schema-drift"):
        NextToken("a").page([], "a")
    asked = "https://x.test/people?page=1"
    for following in ("https://y.test/a", "//y.test/a", "\\\\y.test", asked, "http://x.test/a"):
        with pytest.raises(Fault, match="schema-drift"):
            NextUrl().page(asked, [], following)


@pytest.mark.parametrize(
    "header, expected",
    [
        ('<https://x.test/2>; rel="next"', "https://x.test/2"),
        ('<https://x.test/1>; rel="prev", <https://x.test/3>; rel=next', "https://x.test/3"),
        ('<https://x.test/9>; title="a, b; rel=next"; rel="last"', None),
        ('<https://x.test/4>; rel="last next"', "https://x.test/4"),
        ("", None),
    ],
)
def test_the_next_page_is_found_in_a_link_header(header: str, expected: str | None) -> None:
    assert next_link(Response(200, (("Link", header),))) == expected
