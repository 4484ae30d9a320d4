"""Rows, the request for a page of them, and the page that answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import exact
from .fault import Fault, FaultCode
from .hints import Hints


@dataclass(frozen=True)
class Row:
    """One row of a page; made by the class methods below, one per kind of change."""

    change: str
    """`upsert`, `archive`, `delete`, `merged-into`, `event`, `member-add`,
    `member-remove`, `invalid`."""
    key: str | None = None
    """Its key in its own system, 1 to 512 bytes."""
    data: Mapping[str, Any] | None = None
    """The row itself."""
    into: str | None = None
    """The surviving row's key."""
    container: str | None = None
    """The list or audience."""
    version: str | None = None
    """The vendor's version of the row."""
    time: str | None = None
    """The vendor's own time of the change, RFC 3339."""
    origin: str | None = None
    """Who made the change, as far as the vendor tells."""
    raw: str | None = None
    """The text of a row that cannot be read."""
    place: str | None = None
    """Where in the source it is: `line 17`."""
    problem: str | None = None
    """What is wrong, as a word: `columns`, `encoding`, `key`."""

    @classmethod
    def upsert(
        cls,
        key: str,
        data: Mapping[str, Any],
        *,
        version: str | None = None,
        time: str | None = None,
        origin: str | None = None,
    ) -> Row:
        """The row as it is now."""
        return cls("upsert", key, data, version=version, time=time, origin=origin)

    @classmethod
    def archive(cls, key: str, data: Mapping[str, Any], *, version: str | None = None) -> Row:
        """The row is archived, and as it is now."""
        return cls("archive", key, data, version=version)

    @classmethod
    def event(cls, key: str, data: Mapping[str, Any], *, time: str | None = None) -> Row:
        """Something happened."""
        return cls("event", key, data, time=time)

    @classmethod
    def delete(cls, key: str) -> Row:
        """The row is gone."""
        return cls("delete", key)

    @classmethod
    def merged_into(cls, key: str, survivor: str) -> Row:
        """The row was merged into another one by its own system."""
        return cls("merged-into", key, into=survivor)

    @classmethod
    def member_add(cls, key: str, container: str) -> Row:
        """The subject joined a container."""
        return cls("member-add", key, container=container)

    @classmethod
    def member_remove(cls, key: str, container: str) -> Row:
        """The subject left a container."""
        return cls("member-remove", key, container=container)

    @classmethod
    def invalid(cls, key: str | None, place: str, problem: str, raw: str) -> Row:
        """A row that cannot be read: the hub keeps its text in quarantine and goes on
        with the page."""
        return cls("invalid", key, raw=raw, place=place, problem=problem)

    def to_line(self) -> str:
        """Its line of NDJSON, without the line break."""
        members = {
            "key": self.key,
            "change": self.change,
            "data": self.data,
            "into": self.into,
            "container": self.container,
            "version": self.version,
            "time": self.time,
            "origin": self.origin,
            "raw": self.raw,
            "place": self.place,
            "problem": self.problem,
        }
        return exact.write({name: it for name, it in members.items() if it is not None})


def lines(rows: Sequence[Row]) -> bytes:
    """Rows as NDJSON."""
    return "".join(row.to_line() + "\n" for row in rows).encode()


@dataclass(frozen=True)
class ReadRequest:
    """What to read."""

    stream: str
    """The stream."""
    cursor: bytes | None = None
    """Where to go on; none starts a new snapshot."""
    fields: Sequence[str] = ()
    """Fields that are mapped; empty = all."""
    rows_wanted: int = 1_000
    """So many rows would be welcome."""

    def after(self, page: Page) -> ReadRequest:
        """The request that follows a page of this one."""
        return ReadRequest(self.stream, page.next, self.fields, self.rows_wanted)

    def cursor_value(self) -> Any:
        """The cursor as the JSON value that `Page.more_from` was given; none = none.

        Raises `cursor-expired` when it is no JSON: the hub then takes a new snapshot.
        """
        if self.cursor is None:
            return None
        try:
            return exact.parse(self.cursor.decode("utf-8"))
        except (ValueError, RecursionError):
            raise Fault(FaultCode.CURSOR_EXPIRED) from None


@dataclass
class Page:
    """What one read call returns: rows after which there is nothing more for now and no
    position to go on from, unless a method below says otherwise."""

    rows: Sequence[Row]
    """The rows."""
    next: bytes | None = None
    """Where to go on after this page; none = anew."""
    more: bool = False
    """There is more to read now."""
    snapshot_complete: int | None = None
    """The snapshot that began without a cursor is complete."""
    watermark: str | None = None
    """Rows up to this point of the vendor's order are complete."""
    poll_after_seconds: int | None = None
    """The vendor wants to be left alone for so long."""
    hints: Hints = field(default_factory=Hints)
    """What the call learned besides."""

    def more_from(self, cursor: Any) -> Page:
        """There is more; go on from here."""
        self.more = True
        return self.next_from(cursor)

    def next_from(self, cursor: Any) -> Page:
        """Nothing more for now; next time go on from here."""
        self.next = exact.write(cursor).encode()
        return self

    def complete(self) -> Page:
        """The snapshot is complete with this page: rows not seen since it began no longer
        exist. Never say it of a page that may lack rows."""
        self.snapshot_complete = 0
        return self

    def poll_after(self, seconds: int) -> Page:
        """The vendor wants to be left alone for so long."""
        self.poll_after_seconds = seconds
        return self
