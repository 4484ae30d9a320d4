"""The ways in which vendors page, as cursors that a connector can hand to the hub as they
are. Each is a small value that is in the cursor and nothing else: `of` reads it from the
request, `page` makes the page and the next cursor.

| the vendor offers | use |
|---|---|
| rows after so many rows | `Offset` |
| page 1, 2, 3 | `PageNumber` |
| a token for the next page | `NextToken` |
| the address of the next page, in the answer or in a `Link` header | `NextUrl`, `next_link` |
| rows changed since a time, oldest change first | `Since` |
| the same, and a filter over time *and* key | `Keyset` |
| what happened between two times | `Window` |

The first four read everything, and end with a complete snapshot: what was not shown no
longer exists. The last three go on where they stopped; they never see a deletion that the
vendor does not report as a change, so a stream read this way is not one of complete
snapshots.

Reading is at least once: showing a row again costs the hub a comparison, while a row that
was passed over is lost until it changes again. Where the two are in balance, these choose
the former.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from .fault import Fault, FaultCode
from .http import Response
from .row import Page, ReadRequest, Row

_SEPARATOR = re.compile(r"[/?#]")


class _Position:
    """What is read from a cursor, or begins where there is none."""

    _FORM: dict[str, tuple[type, ...]]

    @classmethod
    def _read(cls, request: ReadRequest) -> Self | None:
        value = request.cursor_value()
        if value is None and request.cursor is None:
            return None
        fits = isinstance(value, dict) and value.keys() == cls._FORM.keys()
        if not fits or any(type(it) not in cls._FORM[name] for name, it in value.items()):
            raise Fault(FaultCode.CURSOR_EXPIRED)
        return cls(**value)

    def _cursor(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._FORM}


class _Beginning(_Position):
    """A position whose defaults are the beginning."""

    @classmethod
    def of(cls, request: ReadRequest) -> Self:
        """The position that a request asks for."""
        return cls._read(request) or cls()


@dataclass(frozen=True)
class Offset(_Beginning):
    """Pages by offset: the next page begins after the rows seen so far. A page that is not
    full is the last one. Rows can move between pages while they are read, so a snapshot
    read this way is complete only for vendors that sort by something stable."""

    _FORM = {"offset": (int,)}

    offset: int = 0
    """Rows before this page."""

    def page(self, rows: Sequence[Row], limit: int) -> Page:
        """The page of these rows, asked for with a page size of `limit`."""
        if not rows or len(rows) < limit:
            return Page(rows).complete()
        return Page(rows).more_from(Offset(self.offset + len(rows))._cursor())


@dataclass(frozen=True)
class PageNumber(_Position):
    """Pages by their number. What is said of `Offset` about rows that move holds here."""

    _FORM = {"number": (int,)}

    number: int
    """The page to ask for."""

    @classmethod
    def of(cls, request: ReadRequest, first: int) -> PageNumber:
        """The page that a request asks for; the vendor counts from `first`."""
        return cls._read(request) or cls(first)

    def page(self, rows: Sequence[Row], limit: int) -> Page:
        """The page of these rows, asked for with a page size of `limit`."""
        return self.page_until(rows, len(rows) < limit)

    def page_until(self, rows: Sequence[Row], last: bool) -> Page:
        """The page of these rows, from a vendor that says which page is the last. An empty
        page is the last whatever it says."""
        if last or not rows:
            return Page(rows).complete()
        return Page(rows).more_from(PageNumber(self.number + 1)._cursor())


@dataclass(frozen=True)
class NextToken(_Beginning):
    """Pages by a token that the vendor hands out; no token means the end."""

    _FORM = {"token": (str,)}

    token: str | None = None
    """The vendor's token; none = the beginning."""

    def page(self, rows: Sequence[Row], following: str | None) -> Page:
        """The page of these rows, with the token that came along. Raises `schema-drift`
        when it is the token that was just used: it would never end."""
        token = _another(self.token, following)
        if token is None:
            return Page(rows).complete()
        return Page(rows).more_from(NextToken(token)._cursor())


@dataclass(frozen=True)
class NextUrl(_Beginning):
    """Pages by an address that the vendor hands out, in the answer's body or in a `Link`
    header (`next_link`). It must lead to the host that was asked: an answer must not choose
    who receives the connection's credential."""

    _FORM = {"url": (str,)}

    url: str | None = None
    """The address to ask; none = the beginning."""

    def url_or(self, first: str) -> str:
        """The address to ask, which is `first` at the beginning."""
        return self.url or first

    def page(self, asked: str, rows: Sequence[Row], following: str | None) -> Page:
        """The page of these rows, that `asked` answered with, and the address that came
        along: absolute, or from its path or its query on."""
        url = _another(asked, _resolved(asked, following) if following else None)
        if url is None:
            return Page(rows).complete()
        return Page(rows).more_from(NextUrl(url)._cursor())


def _another(used: str | None, following: str | None) -> str | None:
    """The token that follows, if there is one and it is not the one just used."""
    if following and following == used:
        raise Fault.drift("next page token", "another token")
    return following or None


def _origin(url: str) -> str | None:
    scheme, separator, rest = url.partition("://")
    host = _SEPARATOR.split(rest, maxsplit=1)[0]
    known = separator and scheme.lower() in ("http", "https") and host
    return f"{scheme}://{host}" if known else None


def _resolved(asked: str, following: str) -> str:
    origin = _origin(asked)
    # What comes after a backslash is a path to some readers and a host to others.
    if origin and not following.startswith("//") and "\\" not in following:
        if following.startswith("/"):
            return origin + following
        if following.startswith("?"):
            return re.split(r"[?#]", asked, maxsplit=1)[0] + following
        if (_origin(following) or "").lower() == origin.lower():
            return following
    raise Fault.drift("next page address", "an address at the host that was asked")


def next_link(response: Response) -> str | None:
    """The address of the next page in the `Link` headers of an answer (RFC 8288):
    `<https://api.x.example/people?page=2>; rel="next"`."""
    quoted = r'(?:[^"{0}]|"[^"]*")*'
    link = re.compile(rf"<([^>]*)>({quoted.format(',')})")
    parameter = re.compile(quoted.format(";") + "(?:;|$)")
    for name, header in response.headers:
        if name.lower() != "link":
            continue
        for target, parameters in link.findall(header):
            for it in parameter.findall(parameters):
                word, _, value = it.rstrip(";").partition("=")
                relations = value.strip().strip('"').lower().split()
                if word.strip().lower() == "rel" and "next" in relations:
                    return str(target).strip()
    return None


@dataclass(frozen=True)
class SinceRules:
    """How a vendor answers "changed at or after"."""

    limit: int
    """Rows asked for per page, at least 2."""
    precision_micros: int
    """How finely the vendor tells times apart."""
    overlap_micros: int
    """How long a change may take to appear, a clock may be off, and a reading of what is
    changing right now may take: when all is read, the next time begins so much earlier."""


@dataclass(frozen=True)
class Since(_Beginning):
    """Pages of rows changed at or after a time, oldest change first.

    Many rows may have one time: an import gives thousands the same second. Asking for what
    is *later* than the last row of a page would pass over its twins on the next page, and
    asking for what is *not earlier* may show the same page for ever. So this asks for what
    is not earlier, begins anew at the time of the last row, and only when a whole page has
    one time goes on within it by offset: half a page at a time, so that up to half a page
    of its rows may change (and leave for the end) between two calls without one being
    passed over. Within one time the vendor must keep an order, such as by key. A vendor
    that can filter by time and key together needs none of this: `Keyset`.

    Ask for rows changed at or after `since` (all, where there is none), in ascending order
    of change, skipping `offset`.
    """

    _FORM = {
        "since": (int, type(None)),
        "offset": (int,),
        "latest": (int, type(None)),
        "begun": (int, type(None)),
    }

    since: int | None = None
    """Ask for what changed at or after this instant, in the vendor's precision."""
    offset: int = 0
    """Skip so many rows of it."""
    latest: int | None = None
    """The latest change shown since reading went on; none = this is its first page."""
    begun: int | None = None
    """Where reading went on: the next time does not begin before it."""

    def page(self, rows: Sequence[tuple[int, Row]], rules: SinceRules) -> Page:
        """The page of these rows, each with the instant of its change, in the order in
        which they came. Raises `schema-drift` when they are not in ascending order, or are
        from before the instant that was asked for."""
        if rules.limit < 2:
            raise Fault.bug("a limit of at least 2")
        precision = max(rules.precision_micros, 1)
        times = [time // precision * precision for time, _ in rows]
        early = times and self.since is not None and times[0] < self.since
        if early or any(one > other for one, other in zip(times, times[1:])):
            raise Fault.drift("time of change", "ascending, from the time asked for")
        last = times[-1] if times else None
        latest = _later(self.latest, last)
        begun = self.since if self.latest is None else self.begun
        page = Page([row for _, row in rows])
        if len(rows) < rules.limit:
            rest = None if latest is None else latest - rules.overlap_micros
            rest = None if rest is None else rest // precision * precision
            since = _later(begun, rest)
            return page if since is None else page.next_from(Since(since)._cursor())
        if last is not None and (self.since is None or last > self.since):
            following = Since(last, 0, latest, begun)
        else:
            following = Since(self.since, self.offset + rules.limit // 2, latest, begun)
        return page.more_from(following._cursor())


def _later(one: int | None, other: int | None) -> int | None:
    known = [it for it in (one, other) if it is not None]
    return max(known) if known else None


@dataclass(frozen=True)
class Keyset(_Beginning):
    """Pages of rows after a time and key, for vendors that sort by both and filter by
    `(time = t and key > k) or time > t`. However many rows have one time, each is shown
    once, and a row that changes meanwhile moves to the end and is shown there. Time is the
    vendor's own text, compared by the vendor alone.

    Changes that appear late, with a time that was passed already, are missed: where a
    vendor has such, use `Since` with an overlap.
    """

    _FORM = {"time": (str, type(None)), "key": (str, type(None))}

    time: str | None = None
    """Time of the last row shown; none = the beginning."""
    key: str | None = None
    """Its key."""

    def page(self, rows: Sequence[tuple[str, Row]], limit: int) -> Page:
        """The page of these rows, each with the text of its time, asked for with a page
        size of `limit`."""
        more = bool(rows) and len(rows) >= limit
        following = self
        if rows:
            time, row = rows[-1]
            if row.key is None:
                raise Fault.drift("last row", "a key")
            following = Keyset(time, row.key)
        if more and following == self:
            raise Fault.drift("last row", "a row after the one asked for")
        page = Page([row for _, row in rows])
        if more:
            return page.more_from(following._cursor())
        return page.next_from(following._cursor()) if following.time is not None else page


@dataclass(frozen=True)
class WindowRules:
    """How a stream is cut into windows."""

    first: int
    """Where the first window begins."""
    span_micros: int
    """How long a window is at most."""
    overlap_micros: int
    """When all is read, the next time begins so much earlier: how long the vendor may take
    to show what happened."""
    lag_micros: int = 0
    """What is younger than this is left for the next time."""


@dataclass(frozen=True)
class Window(_Position):
    """Windows of time, each read to its end by the vendor's tokens (where it has any)
    before the next one begins. They are half open, so that between two of them nothing is
    shown twice or passed over; only at the present end the next reading begins
    `overlap_micros` earlier.

    Ask for what happened from `start` on and before `end`, with `token` where there is one.
    """

    _FORM = {"start": (int,), "end": (int,), "token": (str, type(None))}

    start: int
    """Where it begins."""
    end: int
    """What it ends before."""
    token: str | None = None
    """The vendor's token of the page within it."""

    @classmethod
    def of(cls, request: ReadRequest, rules: WindowRules, now: int) -> Window:
        """The window that a request asks for, at the host's time `now` (`clock.now()`). It
        is empty when there is nothing to ask for yet."""
        known = cls._read(request)
        if known is not None and known.token is not None:
            return known
        return cls._starting(rules.first if known is None else known.start, rules, now)

    @classmethod
    def _starting(cls, start: int, rules: WindowRules, now: int) -> Window:
        end = start + max(rules.span_micros, 1)
        return cls(start, max(min(end, now - rules.lag_micros), start))

    def is_empty(self) -> bool:
        """Whether there is nothing to ask for yet: answer with `page` of no rows."""
        return self.start == self.end

    def page(
        self, rows: Sequence[Row], following: str | None, rules: WindowRules, now: int
    ) -> Page:
        """The page of these rows, with the token that came along."""
        page = Page(rows)
        token = _another(self.token, following)
        if token is not None:
            return page.more_from(replace(self, token=token)._cursor())
        next_window = self._starting(self.end, rules, now)
        if not next_window.is_empty():
            return page.more_from(next_window._cursor())
        rest = self.start
        if not self.is_empty():
            rest = max(self.end - rules.overlap_micros, rules.first)
        return page.next_from(Window(rest, rest)._cursor())
