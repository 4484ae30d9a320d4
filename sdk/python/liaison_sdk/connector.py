"""What a connector implements. A class inherits from what it is able to do, and its module
names one instance of it `connector`:

    class Contacts(Source, Lookup, Destination): ...

    connector = Contacts()

An instance holds no state: between two calls the host may throw it away, so whatever must
survive belongs into a cursor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from .audience import Container, ContainerPage, ContainerWish, MemberReport, MemberRequest
from .call import Call
from .fault import Fault
from .find import Found, LookupRequest
from .inbound import Delivery, Parsed, Reply, Subscription
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


class Audience(Connector):
    """A connector whose vendor has audiences; see `audience`."""

    @abstractmethod
    def containers(self, call: Call, cursor: bytes | None) -> ContainerPage:
        """The containers there are, a page at a time; `cursor-expired` for a cursor that
        leads nowhere."""

    @abstractmethod
    def ensure_container(self, call: Call, wish: ContainerWish) -> Container:
        """The container as wished: found or created, never doubled; `not-found` for a key
        that does not exist."""

    @abstractmethod
    def delete_container(self, call: Call, key: str) -> None:
        """Removes a container; `not-found` when there is none."""

    @abstractmethod
    def write_members(self, call: Call, request: MemberRequest) -> MemberReport:
        """Adds and removes members, or replaces all of them within a session. A fault means
        that nothing was changed, except `timeout` and `bug`, which mean that nobody knows."""


class Inbound(Connector):
    """A connector whose vendor pushes; see `inbound`."""

    @abstractmethod
    def parse(self, call: Call, delivery: Delivery) -> Sequence[Parsed]:
        """What a delivery means; one delivery may mean several things. Asked again about
        the same delivery it must say the same. A delivery that raises a fault goes to
        quarantine as it is."""

    def handshake(self, call: Call, delivery: Delivery) -> Reply | None:
        """The answer to a challenge; none = an ordinary delivery. Asked only where the
        manifest says `handshake`."""
        return None

    def register(self, call: Call, address: str, streams: Sequence[str]) -> Subscription:
        """Asks the vendor to deliver to an address; `not-supported` where a person has to."""
        raise Fault.not_supported("subscriptions")

    def renew(self, call: Call, id: str) -> Subscription:
        """Renews a subscription that would expire; `not-supported` where none expires."""
        raise Fault.not_supported("subscriptions")

    def unregister(self, call: Call, id: str) -> None:
        """Ends a subscription; `not-supported` where a person has to."""
        raise Fault.not_supported("subscriptions")


def interfaces(connector: Connector) -> list[str]:
    """What the contract calls what a connector is able to do, besides `connection`."""
    able = {
        "source": isinstance(connector, Source),
        "lookup": isinstance(connector, Lookup),
        "destination": isinstance(connector, Destination),
        "audience": isinstance(connector, Audience),
        "inbound": isinstance(connector, Inbound),
    }
    return [name for name, is_able in able.items() if is_able]
