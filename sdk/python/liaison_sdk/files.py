"""Files in the folders that the connection was granted, by alias. Names are relative;
nothing outside can be named."""

from __future__ import annotations

from dataclasses import dataclass

from . import host
from .fault import Fault

_list = list


@dataclass(frozen=True)
class Stat:
    """A file's state."""

    name: str
    """Its name, relative to the folder."""
    size: int
    """Its size in bytes."""
    version: str
    """Changes whenever the content changes."""
    modified: int | None = None
    """When it was last changed: microseconds since 1970."""


@dataclass(frozen=True)
class Part:
    """A part of a file."""

    data: bytes
    """The bytes."""
    version: str
    """The version of the file right after they were read: one that differs from that of an
    earlier part means that the parts do not fit together."""


def list(folder: str) -> _list[Stat]:
    """The files of a folder, by name. Raises `host-denied`, `not-found` or `transient`."""
    try:
        return host.current().files_list(folder)
    except Fault as fault:
        raise fault.at(folder) from None


def stat(folder: str, name: str) -> Stat:
    """One file's state. Raises as `list`."""
    try:
        return host.current().files_stat(folder, name)
    except Fault as fault:
        raise fault.at(f"{folder}/{name}") from None


def read(folder: str, name: str, offset: int, bytes_max: int) -> Part:
    """At most `bytes_max` bytes from an offset; fewer only at the end of the file. Raises as
    `list`, and `limit`."""
    try:
        return host.current().files_read(folder, name, offset, bytes_max)
    except Fault as fault:
        raise fault.at(f"{folder}/{name}") from None


def write(folder: str, name: str, data: bytes, expected: str | None = None) -> Stat:
    """Replaces a file as a whole: others see the old content or the new. `expected` is the
    version it must still have; none = it must not exist yet. Raises as `read`, and
    `conflict` when it has another version."""
    try:
        return host.current().files_write(folder, name, data, expected)
    except Fault as fault:
        raise fault.at(f"{folder}/{name}") from None
