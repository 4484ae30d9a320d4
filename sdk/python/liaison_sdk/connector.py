"""What a connector implements. A class inherits from what it is able to do, and its module
names one instance of it `connector`:

    class Contacts(Source, Lookup, Destination): ...

    connector = Contacts()

An instance holds no state: between two calls the host may throw it away, so whatever must
survive belongs into a cursor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from .call import Call
from .fault import Fault
from .find import Found, LookupRequest
from .row import Page, ReadRequest
from .stream import Stream
from .write import JobState, Report, WriteRequest


class Connector(ABC):
    """What every connector implements. Every method may raise a `Fault`."""

    @abstractmethod
    def discover(self, call: Call) -> list[Stream]:
        """The streams of this connection."""

    def check(self, call: Call) -> None:
        """Whether settings, credential and host work; changes nothing. By default a
        connector works when it can tell its streams: enough only where telling them asks
        the vendor."""
        self.discover(call)


class Source(Connector):
    """A connector that reads."""

    @abstractmethod
    def read(self, call: Call, request: ReadRequest) -> Page:
        """One page. `cursor-expired` makes the hub take a new snapshot."""


class Lookup(Connector):
    """A connector that finds rows."""

    @abstractmethod
    def lookup(self, call: Call, request: LookupRequest) -> list[Found]:
        """One answer per key, in order."""


class Destination(Connector):
    """A connector that writes."""

    @abstractmethod
    def write(self, call: Call, request: WriteRequest) -> Report:
        """Writes a batch: one outcome per item, in order. A fault means that nothing was
        written, except `timeout` and `bug`, which mean that nobody knows."""

    def poll_job(self, call: Call, job: str) -> JobState:
        """How a job stands that a write was accepted into; `not-found` when the vendor has
        forgotten it."""
        raise Fault.not_supported("jobs")


def interfaces(connector: Connector) -> list[str]:
    """What the contract calls what a connector is able to do, besides `connection`."""
    able = {
        "source": isinstance(connector, Source),
        "lookup": isinstance(connector, Lookup),
        "destination": isinstance(connector, Destination),
    }
    return [name for name, is_able in able.items() if is_able]
