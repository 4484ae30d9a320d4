"""Finding rows by key or by matching fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .row import Row


@dataclass(frozen=True)
class ByKey:
    """A row by its key."""

    key: str


@dataclass(frozen=True)
class ByFields:
    """A row by fields that discovery marks as matchable; all must be equal."""

    fields: dict[str, Any]


LookupKey = ByKey | ByFields


@dataclass(frozen=True)
class LookupRequest:
    """Rows to find."""

    stream: str
    """The stream."""
    keys: Sequence[LookupKey]
    """What to find."""
    fields: Sequence[str] = field(default=())
    """Fields that are mapped; empty = all."""


Found = None | Row | list[str]
"""What was found for one key: nothing, one row, or the keys of several that fit."""


def found(rows: Sequence[Row]) -> Found:
    """Nothing, one or several, from the rows that fit."""
    if not rows:
        return None
    if len(rows) == 1:
        return rows[0]
    return [row.key for row in rows if row.key is not None]
