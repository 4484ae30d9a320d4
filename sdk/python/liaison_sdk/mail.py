"""Mail through the host. The connector states an envelope, headers and a body; the host
writes the head, logs in, and hands the message over to a granted server.

    server = mail.Server("smtp.example.org:587", mail.Security.STARTTLS, "login")
    message = mail.Message(
        sender="bounces@example.org",
        recipients=["ana@example.org"],
        headers=[("From", "Shop <shop@example.org>"), ("Message-ID", "<1@example.org>")],
        body=b"Hello\\r\\n",
    )
    deliveries = mail.send(server, message)

Once a message was handed over nobody but the server knows whether it has it: that is
`Unknown`, and never a fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from . import host
from .fault import Fault


class Security(Enum):
    """How the connection is kept from being read."""

    TLS = "tls"
    """TLS from the first byte on (port 465)."""
    STARTTLS = "starttls"
    """TLS by STARTTLS, or nothing is sent (port 587)."""
    NONE = "none"
    """Not at all; needs a grant of its own."""


@dataclass(frozen=True)
class Server:
    """The server that takes mail in."""

    address: str
    """`smtp.example.org:587`."""
    security: Security = Security.STARTTLS
    """How the connection is kept from being read."""
    credential: str | None = None
    """The credential slot to log in with."""


@dataclass(frozen=True)
class Message:
    """A message to send."""

    sender: str
    """The envelope's sender: where bounces go."""
    recipients: Sequence[str]
    """The envelope's recipients."""
    headers: Sequence[tuple[str, str]]
    """Name and value of each header, in order: ASCII without line breaks."""
    body: bytes
    """The body: ASCII, lines that end in CR LF."""


@dataclass(frozen=True)
class Accepted:
    """Taken in; the reply, which may name the server's queue id."""

    reply: str


@dataclass(frozen=True)
class Deferred:
    """Not now (4xx); the reply."""

    reply: str


@dataclass(frozen=True)
class Refused:
    """Refused (5xx); the reply."""

    reply: str


@dataclass(frozen=True)
class Unknown:
    """The message was handed over and nothing came back: it may have been taken."""

    reply: str


Delivery = Accepted | Deferred | Refused | Unknown
"""What became of one recipient."""


def send(server: Server, message: Message) -> list[Delivery]:
    """Sends one message: one answer per recipient, in order.

    Raises, where nothing was sent to anybody: `host-denied`, `unreachable`, `auth`,
    `transient` (the server takes nothing now), `permission` (it takes nothing from this
    sender), `limit`, or `bug` for a message that is malformed.
    """
    try:
        return host.current().mail_send(server, message)
    except Fault as fault:
        raise fault.at(server.address) from None


def check(server: Server) -> None:
    """Connects and logs in, and sends nothing. Raises as `send`."""
    try:
        host.current().mail_check(server)
    except Fault as fault:
        raise fault.at(server.address) from None
