"""The seam to the host: in a component the contract's imports, in a test a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .fault import Fault

if TYPE_CHECKING:
    from . import crypto, files, mail


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

    def files_list(self, folder: str) -> list[files.Stat]:
        """See `files`; as all that follows it raises a fault where it does not succeed."""

    def files_stat(self, folder: str, name: str) -> files.Stat:
        """See `files`."""

    def files_read(self, folder: str, name: str, offset: int, bytes_max: int) -> files.Part:
        """See `files`."""

    def files_write(
        self, folder: str, name: str, data: bytes, expected: str | None
    ) -> files.Stat:
        """See `files`."""

    def mail_send(self, server: mail.Server, message: mail.Message) -> list[mail.Delivery]:
        """See `mail`."""

    def mail_check(self, server: mail.Server) -> None:
        """See `mail`."""

    def hmac(self, slot: str, algorithm: crypto.Mac, data: bytes) -> bytes:
        """See `crypto`."""

    def sign(self, slot: str, algorithm: crypto.Signature, data: bytes) -> bytes:
        """See `crypto`."""

    def seal(self, slot: str, algorithm: crypto.Aead, data: bytes, associated: bytes) -> bytes:
        """See `crypto`."""

    def open(self, slot: str, algorithm: crypto.Aead, data: bytes, associated: bytes) -> bytes:
        """See `crypto`."""


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
