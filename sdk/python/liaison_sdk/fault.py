"""Faults: a code that the hub acts upon, a place, and arguments."""

from __future__ import annotations

from enum import Enum
from typing import Any, Self

ARGUMENT_BYTES_MAX = 500
"""Longest argument in bytes; longer ones are cut. A vendor's error page is no message."""


class FaultCode(Enum):
    """What went wrong. The hub decides from it whether to retry, wait, ask a person,
    read anew or stop."""

    CONFIG = "config"
    """The connection's settings are wrong."""
    AUTH = "auth"
    """The vendor refused the credential."""
    PERMISSION = "permission"
    """The credential is good but may not do this."""
    HOST_DENIED = "host-denied"
    """The host is not granted to this connection."""
    UNREACHABLE = "unreachable"
    """No connection to the host."""
    TIMEOUT = "timeout"
    """No answer in time; the outcome of a write is unknown."""
    TRANSIENT = "transient"
    """The vendor failed; a later attempt may work."""
    RATE_LIMITED = "rate-limited"
    """Too many requests; not before `after_seconds`, if known."""
    QUOTA_EXHAUSTED = "quota-exhausted"
    """The allowance is used up; it renews after `after_seconds`, if known."""
    CONFLICT = "conflict"
    """The row changed since it was read."""
    NOT_FOUND = "not-found"
    """The row does not exist."""
    CURSOR_EXPIRED = "cursor-expired"
    """The cursor is no longer valid; the hub takes a new snapshot."""
    SCHEMA_DRIFT = "schema-drift"
    """The vendor's answer does not fit what it promised."""
    BLOCKED = "blocked"
    """The vendor has blocked the account."""
    BUG = "bug"
    """The connector met a case that it should not have met."""
    LIMIT = "limit"
    """More was used than is allowed: bytes, calls, time."""
    NOT_SUPPORTED = "not-supported"
    """The connector has no such ability."""
    REJECTED = "rejected"
    """The vendor refused the content. For a batch: nothing of it was written."""
    ROW_INVALID = "row-invalid"
    """A row that cannot be used as it is."""


class Fault(Exception):
    """A fault to raise: never a sentence for people, since the hub speaks several
    languages. What the vendor said goes into `vendor-code` and `vendor-message`.
    Arguments hold no secret and no customer's value."""

    def __init__(
        self, code: FaultCode, place: str = "", *, after_seconds: int | None = None
    ) -> None:
        super().__init__(code.value, place)
        self.code = code
        self.place = place
        self.after_seconds = after_seconds
        self.args_named: list[tuple[str, str]] = []

    @classmethod
    def bug(cls, what: object) -> Fault:
        """A defect of the connector itself, with what it did not expect."""
        return cls(FaultCode.BUG).given("what", what)

    @classmethod
    def config(cls, setting: str, expected: object) -> Fault:
        """A setting that is wrong, with what was expected."""
        return cls(FaultCode.CONFIG, setting).given("expected", expected)

    @classmethod
    def drift(cls, place: str, expected: object) -> Fault:
        """An answer that does not fit what the vendor promised."""
        return cls(FaultCode.SCHEMA_DRIFT, place).given("expected", expected)

    @classmethod
    def not_supported(cls, what: object) -> Fault:
        """The connector has no such ability."""
        return cls(FaultCode.NOT_SUPPORTED).given("what", what)

    def at(self, place: str) -> Self:
        """The same fault at a place: a field, a setting, `line 17`."""
        self.place = place
        return self

    def given(self, name: str, value: object) -> Self:
        """The same fault with one more argument, cut at `ARGUMENT_BYTES_MAX`."""
        cut = str(value).encode("utf-8", "replace")[:ARGUMENT_BYTES_MAX]
        self.args_named.append((name, cut.decode("utf-8", "ignore")))
        return self

    def vendor(self, code: object, message: object) -> Self:
        """The same fault with what the vendor said."""
        return self.given("vendor-code", code).given("vendor-message", message)

    def arg(self, name: str) -> str | None:
        """The argument of that name."""
        return next((value for key, value in self.args_named if key == name), None)

    def _as_tuple(self) -> tuple[Any, ...]:
        return (self.code, self.place, self.after_seconds, tuple(self.args_named))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fault) and self._as_tuple() == other._as_tuple()

    def __hash__(self) -> int:
        return hash(self._as_tuple())

    def __str__(self) -> str:
        place = f" at {self.place}" if self.place else ""
        return self.code.value + place + "".join(f" {k}={v}" for k, v in self.args_named)
