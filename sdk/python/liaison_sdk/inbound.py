"""What a vendor pushes: webhooks and tracked events.

The host verifies a delivery by the recipes of the manifest and keeps it before its sender
hears "yes". Later it asks what the delivery means. A webhook of a vendor that can also be
read is a hint: answer with `Refetch`, and the host looks the rows up, so that a delivery
that came late, twice or not at all does no harm. `Rows` is for what nobody can be asked for
again.

    class Crm(Inbound):
        def parse(self, call: Call, delivery: Delivery) -> list[Parsed]:
            hooks = delivery.json()
            return [Refetch("contacts", [str(hook["contact"]) for hook in hooks])]

`connector.json` then has the capability `inbound`, a credential slot of kind `webhook`, and
how deliveries are verified:

    "credentials": [{ "name": "webhook", "kind": "webhook", "title": "Signing key" }],
    "inbound": {
      "recipes": [{
        "algorithm": "hmac-sha256", "encoding": "hex", "at": "header:X-Signature",
        "prefix": "sha256=", "signed": "{timestamp}.{body}",
        "timestamp": { "at": "header:X-Timestamp" }, "slot": "webhook"
      }],
      "delivery-id": "header:X-Delivery"
    }
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import exact
from .fault import Fault, FaultCode
from .row import Row


@dataclass(frozen=True)
class Delivery:
    """A delivery as it came in, verified, decompressed, without its credential."""

    method: str
    """The method."""
    target: str
    """Path and query below the connection's door: `/v1/batch`."""
    headers: Sequence[tuple[str, str]] = ()
    """Headers."""
    body: bytes = b""
    """The body."""
    received: int = 0
    """When it was received: microseconds since 1970."""

    @classmethod
    def post(cls, target: str, json: Any = None) -> Delivery:
        """A delivery as a test makes it; with a JSON body, where one is given."""
        delivery = cls("POST", target)
        if json is None:
            return delivery
        delivery = delivery.with_header("content-type", "application/json")
        return replace(delivery, body=exact.write(json).encode())

    def with_header(self, name: str, value: str) -> Delivery:
        """With a header."""
        return replace(self, headers=(*self.headers, (name, value)))

    def path(self) -> str:
        """The path, without the query."""
        return self.target.split("?", 1)[0]

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in any case."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    def json(self) -> Any:
        """The body as JSON, whatever its content type says: browsers send JSON as text, so
        that they need not ask first. Raises `rejected` when it is none: it goes to
        quarantine as it is."""
        try:
            return exact.parse(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            # Without the parser's words: they may quote what was sent.
            raise Fault(FaultCode.REJECTED, "body").given("expected", "JSON") from None


@dataclass(frozen=True)
class Reply:
    """An answer that a vendor expects at once."""

    status: int
    """The status."""
    content_type: str
    """Its content type."""
    body: bytes
    """The body."""

    @classmethod
    def text(cls, text: str) -> Reply:
        """`200` with a text: what most challenges expect back."""
        return cls(200, "text/plain", text.encode())


@dataclass(frozen=True)
class Rows:
    """Rows of a stream. An `upsert` is a patch: a field that is absent is left alone, null
    clears."""

    stream: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Refetch:
    """These rows of a stream changed: the hub looks them up."""

    stream: str
    keys: Sequence[str]


@dataclass(frozen=True)
class Read:
    """Something in this stream changed: the hub reads on."""

    stream: str


@dataclass(frozen=True)
class Ignored:
    """Nothing that matters."""


Parsed = Rows | Refetch | Read | Ignored
"""What a delivery means."""


@dataclass(frozen=True)
class Subscription:
    """A subscription at the vendor."""

    id: str
    """The vendor's id."""
    renew_within_seconds: int | None = None
    """It must be renewed within so many seconds."""
