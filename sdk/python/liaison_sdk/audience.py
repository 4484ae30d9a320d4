"""Audiences: containers at a vendor, and who is in them.

A connector names what it matches people by as the fields of a stream of memberships
(`Stream.members`), each with its hash profile. The hub hands values over in clear, under the
names of these fields; `hash` makes of them what the platform wants.

    class Ads(Audience):
        def discover(self, call: Call) -> list[Stream]:
            profile = Profile.META.annotation(Kind.EMAIL)
            email = Field.text("email", pii="email", hash_profile=profile)
            return [Stream.members("members", 1_000, [email])]

        def write_members(self, call: Call, request: MemberRequest) -> MemberReport:
            hashed = [Profile.META.prepare(Kind.EMAIL, it.identity("email") or "")
                      for it in request.members]
            url = f"https://ads.example/audiences/{request.container}"
            http.post(url).json({"add": hashed}).send().expect_success()
            return MemberReport([MemberDone()] * len(request.members))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .fault import Fault, FaultCode
from .hints import Hints
from .write import Consent, at_most

_PAGES_MAX = 100
"""Most pages that are looked through for a title."""


@dataclass(frozen=True)
class Container:
    """A list, audience or segment at the vendor."""

    key: str
    """Its key."""
    title: str
    """For people."""
    kind: str = ""
    """Its kind, in the vendor's words."""
    size: int | None = None
    """Members, as far as the vendor tells."""
    ready_after_seconds: int | None = None
    """It can be filled in so many seconds; none = at once."""


@dataclass(frozen=True)
class ContainerPage:
    """Some containers."""

    items: Sequence[Container]
    """The containers."""
    next: bytes | None = None
    """Where to go on; none = that was all."""


@dataclass(frozen=True)
class ContainerWish:
    """A container that should be there."""

    title: str
    """For people; where no key is known, the container of this title is meant."""
    key: str | None = None
    """Its key, where it is known."""
    kind: str = ""
    """Its kind, in the vendor's words; empty = the usual one."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings."""

    def find(self, page: Callable[[bytes | None], ContainerPage]) -> Container | None:
        """The container of the title, by pages of containers; of several the one with the
        lowest number, which is the oldest where keys are numbers that grow. Raises `config`
        for no title, `schema-drift` for a list without an end."""
        if not self.title.strip():
            raise Fault.config("title", "the name of a container")
        found: list[Container] = []
        cursor: bytes | None = None
        for _ in range(_PAGES_MAX):
            shown = page(cursor)
            found += [it for it in shown.items if it.title == self.title]
            if shown.next is None:
                return min(found, key=lambda it: (len(it.key), it.key), default=None)
            if shown.next == cursor:
                break
            cursor = shown.next
        raise Fault.drift("containers", "a list of containers that ends")


class MemberChange(Enum):
    """In or out."""

    ADD = "add"
    """Joins."""
    REMOVE = "remove"
    """Leaves."""


@dataclass(frozen=True)
class Identity:
    """A value that names somebody, in clear."""

    namespace: str
    """A field of the stream of memberships."""
    value: str
    """The value."""


@dataclass(frozen=True)
class Member:
    """One member's change."""

    change: MemberChange
    """In or out."""
    identities: Sequence[Identity]
    """The identities to match by; all are of one person."""
    key: str | None = None
    """The row at the vendor, where it is known."""
    consents: Sequence[Consent] = ()
    """Consents that travel along."""
    ttl_seconds: int | None = None
    """How long the vendor may keep it."""
    idempotency_key: str = ""
    """Stable across retries."""

    def identity(self, namespace: str) -> str | None:
        """The first value in a namespace."""
        own = (it.value for it in self.identities if it.namespace == namespace)
        return next(own, None)


@dataclass(frozen=True)
class ReplaceSession:
    """A replacement of everybody in a container, in several calls."""

    id: int
    """Its id, given by the hub."""
    sequence: int
    """The number of this call, from 1."""
    last: bool
    """This is the last call."""
    total: int | None = None
    """Members in all calls together, where known."""


@dataclass(frozen=True)
class MemberRequest:
    """Changes of members of one container."""

    container: str
    """The container."""
    members: Sequence[Member]
    """The changes, within the batch rules of the stream of memberships."""
    session: ReplaceSession | None = None
    """They are a part of everybody who is to remain; none = they are changes."""

    def expect_at_most(self, items_max: int) -> None:
        """Refuses more members than a write may have. Raises `rejected`."""
        at_most("members", len(self.members), items_max)


@dataclass(frozen=True)
class MemberDone:
    """Done."""


@dataclass(frozen=True)
class MemberAccepted:
    """Taken in; the result comes with the job, by `Destination.poll_job`."""

    job: str


@dataclass(frozen=True)
class MemberUnmatched:
    """Nobody at the vendor fits."""


@dataclass(frozen=True)
class MemberRetry:
    """Not now, and not before so many seconds; nothing was changed."""

    after_seconds: int | None = None


@dataclass(frozen=True)
class MemberRejected:
    """Refused; nothing was changed."""

    fault: Fault


@dataclass(frozen=True)
class MemberUnknown:
    """It cannot be known."""


MemberOutcome = (
    MemberDone | MemberAccepted | MemberUnmatched | MemberRetry | MemberRejected | MemberUnknown
)
"""What became of one member."""


def member_after(fault: Fault) -> MemberOutcome:
    """What a fault means for members while others of their request were changed."""
    match fault.code:
        case FaultCode.TIMEOUT | FaultCode.SCHEMA_DRIFT | FaultCode.BUG:
            return MemberUnknown()
        case FaultCode.REJECTED:
            return MemberRejected(fault)
        case _:
            return MemberRetry(fault.after_seconds)


@dataclass(frozen=True)
class MemberCounts:
    """Counts, from vendors that never say which member failed. Within a session they may be
    of all its calls so far."""

    received: int
    """Members received."""
    invalid: int = 0
    """Members found invalid."""
    matched: int | None = None
    """Members matched, as far as the vendor tells."""


@dataclass
class MemberReport:
    """The answer to changes of members."""

    verdict: Sequence[MemberOutcome] | MemberCounts
    """One outcome per member, in order; or counts."""
    hints: Hints = field(default_factory=Hints)
    """What the call learned besides."""
