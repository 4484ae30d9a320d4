"""The seam to the host: in a component the contract's imports, in a test a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .fault import Fault


@dataclass(frozen=True)
class Sent:
    """A request as the host receives it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    credential: str | None


@dataclass(frozen=True)
class Answered:
    """What came back, whatever its status."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Host(Protocol):
    """What a connector may ask for, and nothing else."""

    def send(self, request: Sent) -> Answered:
        """Sends a request. Raises a fault where there is no response."""

    def log(self, level: str, message: str) -> None:
        """Writes one line: `debug`, `info`, `warn` or `error`."""

    def now(self) -> int:
        """Microseconds since 1970; it stands still during a call."""

    def random(self, count: int) -> bytes:
        """So many bytes, seeded per call."""


_current: Host | None = None


def current() -> Host:
    """The host of this call."""
    if _current is None:
        raise Fault.bug("the host was called outside of a call; in a test, use testing.Script")
    return _current


def become(host: Host | None) -> Host | None:
    """Takes a host's place; the one that was there."""
    global _current
    before, _current = _current, host
    return before
