"""Writing: the items, and one outcome for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from . import exact
from .fault import Fault, FaultCode
from .hints import Hints


class Action(Enum):
    """What to do with one item."""

    CREATE = "create"
    """Create a row."""
    UPDATE = "update"
    """Change fields of a known row."""
    ARCHIVE = "archive"
    """Archive (soft-delete) a known row."""
    DELETE = "delete"
    """Delete a known row."""


@dataclass(frozen=True)
class Consent:
    """A permission, or its refusal, that travels with an item."""

    purpose: str
    """The purpose, in the organisation's words."""
    granted: bool
    """Granted or refused."""
    since: str
    """Since when, RFC 3339."""
    source: str
    """Where it was given."""


@dataclass(frozen=True)
class WriteItem:
    """One item of a write."""

    action: Action
    """What to do."""
    key: str | None = None
    """The row, where it is known."""
    patch: Mapping[str, Any] = field(default_factory=dict)
    """An absent field is left alone, `None` clears, a value sets."""
    matching: Mapping[str, Any] = field(default_factory=dict)
    """Fields that find the row where no key is known."""
    if_version: str | None = None
    """Write only if the row still has this version."""
    idempotency_key: str = ""
    """Stable across retries of the same content."""
    consents: Sequence[Consent] = ()
    """Consents that travel along."""
    ttl_seconds: int | None = None
    """How long the vendor may keep it."""

    def known_key(self) -> str:
        """The key of the row. Raises `bug` where it is not known."""
        if self.key is None:
            raise Fault.bug("an item without a key")
        return self.key

    @classmethod
    def of_line(cls, line: str) -> WriteItem:
        """The item of a line of the hub's."""
        it = exact.parse(line)
        return cls(
            action=Action(it["action"]),
            key=it.get("key"),
            patch=it.get("patch") or {},
            matching=it.get("match") or {},
            if_version=it.get("if-version"),
            idempotency_key=it.get("idempotency-key") or "",
            consents=tuple(Consent(**consent) for consent in it.get("consents") or ()),
            ttl_seconds=it.get("ttl-seconds"),
        )


@dataclass(frozen=True)
class WriteRequest:
    """A batch to write."""

    stream: str
    """The stream."""
    items: Sequence[WriteItem]
    """The items, within the stream's batch rules."""
    dry_run: bool = False
    """Validate only, where the vendor can."""

    def expect_at_most(self, items_max: int) -> None:
        """Refuses more items than a write may have. Raises `rejected`."""
        at_most("items", len(self.items), items_max)


def at_most(place: str, items: int, items_max: int) -> None:
    """Refuses more items at a place than a write may have."""
    if items > items_max:
        fault = Fault(FaultCode.REJECTED, place).given("items-max", items_max)
        raise fault.given("items", items)


@dataclass(frozen=True)
class Stored:
    """A row as the vendor stored it."""

    key: str
    """Its key."""
    row: Mapping[str, Any] | None = None
    """The row, as far as the vendor returned it. What it normalised must be visible."""
    version: str | None = None
    """Its version."""


@dataclass(frozen=True)
class Created:
    """A row was created."""

    stored: Stored


@dataclass(frozen=True)
class Updated:
    """The row was changed."""

    stored: Stored


@dataclass(frozen=True)
class Unchanged:
    """The row already was so."""


@dataclass(frozen=True)
class Deleted:
    """The row was deleted or archived."""


@dataclass(frozen=True)
class Accepted:
    """Taken in; the result comes with the job."""

    job: str


@dataclass(frozen=True)
class DuplicateOf:
    """The vendor has this already, under that key."""

    key: str


@dataclass(frozen=True)
class Conflict:
    """The row has another version now, or is gone."""


@dataclass(frozen=True)
class Retry:
    """Not now, and not before so many seconds; nothing was written."""

    after_seconds: int | None
    fault: Fault


@dataclass(frozen=True)
class Rejected:
    """Refused for its content; nothing was written."""

    fault: Fault


@dataclass(frozen=True)
class Unknown:
    """It cannot be known whether it was written."""


Outcome = (
    Created
    | Updated
    | Unchanged
    | Deleted
    | Accepted
    | DuplicateOf
    | Conflict
    | Retry
    | Rejected
    | Unknown
)
"""What became of one item. An HTTP status is not an outcome: the connector decides."""

def outcome_after(fault: Fault) -> Outcome:
    """What a fault means for items while others of their write were sent."""
    if fault.code in _NOBODY_KNOWS:
        return Unknown()
    if fault.code is FaultCode.REJECTED:
        return Rejected(fault)
    return Retry(fault.after_seconds, fault)


_WRITTEN = (Created, Updated, Deleted, Accepted, Unknown)
_OF_THE_ITEM = (FaultCode.REJECTED, FaultCode.ROW_INVALID, FaultCode.NOT_SUPPORTED)
_NOBODY_KNOWS = (FaultCode.TIMEOUT, FaultCode.SCHEMA_DRIFT, FaultCode.BUG)


@dataclass(frozen=True)
class Aggregate:
    """Counts in place of outcomes, from vendors that never say which item failed."""

    received: int
    """Items received."""
    invalid: int
    """Items found invalid."""


@dataclass
class Report:
    """The answer to a write."""

    verdict: list[Outcome] | Aggregate
    """One outcome per item, in order; or counts."""
    hints: Hints = field(default_factory=Hints)
    """What the call learned besides."""

    @classmethod
    def of_each(
        cls, items: Sequence[WriteItem], write: Callable[[WriteItem], Outcome]
    ) -> Report:
        """Writes items one after the other, for vendors that take one at a time, and makes
        of each fault what it means for the batch:

        - a fault of the item alone (refused, gone, changed meanwhile) is its outcome, and
          the next item follows;
        - after a timeout, or an answer that cannot be read, nobody knows whether the item
          was written: `Unknown`, and nothing more is tried;
        - any other fault (credential, limit, outage) would meet the next item too: it and
          those after it are tried later. Where nothing was written before, it is raised.
        """
        outcomes: list[Outcome] = []
        for item in items:
            try:
                outcomes.append(write(item))
                continue
            except Fault as caught:
                fault = caught
            if fault.code in (FaultCode.CONFLICT, FaultCode.NOT_FOUND):
                outcomes.append(Conflict())
                continue
            if fault.code in _OF_THE_ITEM:
                outcomes.append(Rejected(fault))
                continue
            if fault.code in _NOBODY_KNOWS:
                outcomes.append(Unknown())
            elif not any(isinstance(it, _WRITTEN) for it in outcomes):
                raise fault
            later = Retry(fault.after_seconds, fault)
            outcomes.extend([later] * (len(items) - len(outcomes)))
            break
        return cls(outcomes)


@dataclass(frozen=True)
class Running:
    """The job is not finished; ask again after so many seconds."""

    seconds: int


@dataclass(frozen=True)
class Done:
    """It is finished, with the outcomes in the order in which the items were sent."""

    report: Report


@dataclass(frozen=True)
class Failed:
    """It failed as a whole."""

    fault: Fault


JobState = Running | Done | Failed
"""How a vendor's job stands."""
