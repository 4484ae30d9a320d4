"""What discovery says: streams and their fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from . import exact


class EntityKind(Enum):
    """What a stream's rows describe."""

    PERSON = "person"
    """A natural person."""
    ACCOUNT = "account"
    """An organisation."""
    OBJECT = "object"
    """Something else that is and changes: a deal, an order."""
    EVENT = "event"
    """Something that happened."""
    MEMBERSHIP = "membership"
    """Who is in which container."""


class Idempotency(Enum):
    """What a vendor offers against writing twice."""

    NONE = "none"
    """Nothing: after an unknown outcome the hub looks before it writes again."""
    KEY = "key"
    """It recognises the item's idempotency key."""
    EXTERNAL_ID = "external-id"
    """A create with a key that exists updates."""
    IF_VERSION = "if-version"
    """A write can be bound to a version."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a stream: its JSON Schema, and what that cannot say."""

    name: str
    """Its name."""
    schema: dict[str, Any]
    """JSON Schema of its values."""
    title: str = ""
    """For people."""
    read_only: bool = False
    """It can be read but not written."""
    create_only: bool = False
    """It can be written when the row is created, not later."""
    required: bool = False
    """A create without it is refused."""
    matchable: bool = False
    """Rows can be found by it."""
    unique: bool = False
    """No two rows have the same value."""
    pii: str = ""
    """Class of personal data: `email`, `phone`, `name`, `address`, `id`."""
    hash_profile: str = ""
    """How the value must be normalised and hashed."""
    has_choices: bool = False
    """Its values can be asked for."""

    @classmethod
    def text(cls, name: str, **more: Any) -> Field:
        """A field of text that may be empty (null)."""
        return cls(name=name, schema={"type": ["string", "null"]}, **more)

    @classmethod
    def flag(cls, name: str, **more: Any) -> Field:
        """A field that is true, false or empty (null)."""
        return cls(name=name, schema={"type": ["boolean", "null"]}, **more)

    @classmethod
    def number(cls, name: str, **more: Any) -> Field:
        """A field of an exact number that may be empty (null)."""
        return cls(name=name, schema={"type": ["number", "null"]}, **more)


@dataclass(frozen=True, kw_only=True)
class BatchRules:
    """How writes must be cut."""

    items_max: int = 100
    """Most items of one write."""
    items_min: int = 0
    """Fewest items of one write; the hub waits for more as long as it may."""
    bytes_max: int = 1024 * 1024
    """Most bytes of one write, as JSON."""
    item_bytes_max: int = 256 * 1024
    """Most bytes of one item, as JSON."""
    group_by: Sequence[str] = ()
    """Items of one write must agree in these fields."""
    unique_keys: bool = False
    """An item may not occur twice in one write."""
    ordered: bool = False
    """Writes must keep the order in which they are handed over."""
    atomic: bool = False
    """One bad item fails its whole write: the hub bisects."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A stream of a connection; neither readable nor writable unless it says so."""

    name: str
    """Its name."""
    fields: Sequence[Field]
    """Its fields."""
    title: str = ""
    """For people."""
    kind: EntityKind = EntityKind.PERSON
    """What its rows describe."""
    readable: bool = False
    """It can be read."""
    writable: bool = False
    """It can be written."""
    batches: BatchRules = field(default_factory=BatchRules)
    """How writes must be cut."""
    primary_key: Sequence[str] = ()
    """The fields whose values make up the key."""
    cursor_field: str | None = None
    """The field that reading goes by, where it is one field."""
    complete_snapshots: bool = False
    """Reading everything ends with `complete`, so that missing rows are known to be
    deleted."""
    conditional_writes: bool = False
    """The vendor checks `if_version`."""
    idempotency: Idempotency = Idempotency.NONE
    """What the vendor offers against writing twice."""
    dry_run: bool = False
    """The vendor can validate without writing."""
    purposes: Sequence[str] = ()
    """Purposes that a row needs a consent for."""
    origin_field: str | None = None
    """The field that says who changed a row last."""
    archives: bool = False
    """Rows can be archived: kept there, and out of the way."""
    sends: str | None = None
    """A row is a message on that channel, such as `email`, which nothing takes back."""
    open: bool = False
    """Rows may hold more fields than these."""

    @classmethod
    def members(cls, name: str, items_max: int, fields: Sequence[Field], **more: Any) -> Stream:
        """A stream of memberships, whose fields are what members are matched by; at most so
        many members in one write, all of one container."""
        return cls(
            name=name,
            fields=fields,
            kind=EntityKind.MEMBERSHIP,
            writable=True,
            batches=BatchRules(items_max=items_max, group_by=["container"]),
            **more,
        )

    def schema(self) -> str:
        """JSON Schema 2020-12 of a row, from the fields."""
        schema: dict[str, Any] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {it.name: it.schema for it in self.fields},
            "additionalProperties": self.open,
        }
        if self.archives:
            schema["x-archives"] = True
        if self.sends is not None:
            schema["x-sends"] = self.sends
        return exact.write(schema)
