"""A host that follows a script: connectors are tested natively, without a component and
without a network.

    with Script(Exchange("GET", "https://api.example.com/contacts").reply(200, [])) as script:
        page = connector.read(call, ReadRequest("contacts"))

A request that differs from the one expected is an `AssertionError` that names the
difference; so is an expected request that was not made.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Self

from . import crypto, exact, files, host, mail
from .call import Call
from .connector import Inbound
from .fault import Fault, FaultCode
from .inbound import Delivery, Parsed, Read, Refetch, Rows

_ANY = object()
_KEY_BYTES_MAX = 512


class Exchange:
    """One expected request and its response: `200` with an empty body unless told
    otherwise. Headers that are not named may be there."""

    def __init__(self, method: str, url: str, *, credential: str | None = None) -> None:
        self._title = f"{method} {url}"
        self._credential = credential
        self._headers: list[tuple[str, str]] = []
        self._json: Any = _ANY
        self._answer: host.Answered | Fault = host.Answered(200, (), b"")

    def header(self, name: str, value: str) -> Self:
        """Expects a header."""
        self._headers.append((name, value))
        return self

    def json(self, body: Any) -> Self:
        """Expects this JSON document as the body, however it is written."""
        self._json = body
        return self

    def reply(self, status: int, body: Any = b"", **headers: str) -> Self:
        """Answers with a status and a body: bytes and text as they are, anything else as
        JSON. `retry_after="7"` is the header `retry-after`."""
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        if not isinstance(body, (bytes, str)):
            named.append(("content-type", "application/json"))
            body = exact.write(body)
        content = body.encode() if isinstance(body, str) else body
        self._answer = host.Answered(status, tuple(named), content)
        return self

    def times_out(self) -> Self:
        """There is no answer in time."""
        self._answer = Fault(FaultCode.TIMEOUT)
        return self

    def fails_to_connect(self) -> Self:
        """There is no connection."""
        self._answer = Fault(FaultCode.UNREACHABLE)
        return self

    def is_denied(self) -> Self:
        """The host refuses."""
        self._answer = Fault(FaultCode.HOST_DENIED)
        return self

    def _met_by(self, sent: host.Sent) -> host.Answered:
        made = f"{sent.method} {sent.url}"
        assert made == self._title, f"made {made}, expected {self._title}"
        assert sent.credential == self._credential, (
            f"credential of {made}: made {sent.credential}, expected {self._credential}"
        )
        there = {name.lower(): value for name, value in sent.headers}
        for name, value in self._headers:
            found = there.get(name.lower())
            assert found == value, f"header {name} of {made}: made {found}, expected {value}"
        if self._json is not _ANY:
            body = exact.parse(sent.body)
            assert body == self._json, f"body of {made}: made {body}, expected {self._json}"
        if isinstance(self._answer, Fault):
            raise self._answer
        return self._answer


class Script:
    """What a connector meets during a test: expected requests in order, then a `vendor`
    that answers whatever no exchange expects; granted `folders` with their files, a server
    for `mail`, which answers to each message with a word about every recipient (a message
    without recipients is a check), and the `keys` of `crypto.hmac` by slot."""

    def __init__(
        self,
        *exchanges: Exchange,
        vendor: Callable[[host.Sent], host.Answered] | None = None,
        now: int = 0,
        folders: Mapping[str, Mapping[str, bytes]] | None = None,
        mail: Callable[[mail.Server, mail.Message], list[mail.Delivery]] | None = None,
        keys: Mapping[str, bytes] | None = None,
    ) -> None:
        self._exchanges = list(exchanges)
        self._vendor = vendor
        self._mailbox = mail
        self._keys = dict(keys or {})
        self.folders = {alias: dict(files) for alias, files in (folders or {}).items()}
        """The files of each granted folder, as the connector left them."""
        self._now = now
        self._drawn = 0
        self.logged: list[str] = []
        """The lines that were logged: `warn: ...`."""

    def __enter__(self) -> Self:
        before = host.become(self)
        assert before is None, "a script runs inside another script"
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        host.become(None)
        # A test that failed has said why.
        if kind is None:
            missing = [exchange._title for exchange in self._exchanges]
            assert not missing, f"requests that were expected and not made: {missing}"

    def send(self, request: host.Sent) -> host.Answered:
        """See `host.Host`."""
        if self._exchanges:
            return self._exchanges.pop(0)._met_by(request)
        made = f"{request.method} {request.url}"
        assert self._vendor is not None, f"no request is expected any more, made: {made}"
        return self._vendor(request)

    def log(self, level: str, message: str) -> None:
        """See `host.Host`."""
        self.logged.append(f"{level}: {message}")

    def now(self) -> int:
        """See `host.Host`."""
        return self._now

    def random(self, count: int) -> bytes:
        """See `host.Host`: other bytes each time, and the same in every run."""
        self._drawn += 1
        return bytes((self._drawn * 31 + place) % 256 for place in range(count))

    def files_list(self, folder: str) -> list[files.Stat]:
        """See `host.Host`."""
        return [self.files_stat(folder, name) for name in sorted(self._folder(folder))]

    def files_stat(self, folder: str, name: str) -> files.Stat:
        """See `host.Host`."""
        data = self._file(folder, name)
        return files.Stat(name, len(data), _version(data))

    def files_read(self, folder: str, name: str, offset: int, bytes_max: int) -> files.Part:
        """See `host.Host`."""
        data = self._file(folder, name)
        return files.Part(data[offset : offset + bytes_max], _version(data))

    def files_write(
        self, folder: str, name: str, data: bytes, expected: str | None
    ) -> files.Stat:
        """See `host.Host`."""
        there = self._folder(folder)
        if ".." in name.split("/") or name.startswith("/") or not name:
            raise Fault(FaultCode.HOST_DENIED).given("why", "it leads outside")
        if expected != (_version(there[name]) if name in there else None):
            raise Fault(FaultCode.CONFLICT)
        there[name] = data
        return self.files_stat(folder, name)

    def _folder(self, alias: str) -> dict[str, bytes]:
        if alias not in self.folders:
            raise Fault(FaultCode.HOST_DENIED).given("why", f"folder {alias} is not granted")
        return self.folders[alias]

    def _file(self, alias: str, name: str) -> bytes:
        there = self._folder(alias)
        if name not in there:
            raise Fault(FaultCode.NOT_FOUND)
        return there[name]

    def mail_send(self, server: mail.Server, message: mail.Message) -> list[mail.Delivery]:
        """See `host.Host`."""
        if self._mailbox is None:
            raise Fault(FaultCode.HOST_DENIED).given("why", "no server for mail is granted")
        return self._mailbox(server, message)

    def mail_check(self, server: mail.Server) -> None:
        """See `host.Host`."""
        self.mail_send(server, mail.Message("", [], [], b""))

    def hmac(self, slot: str, algorithm: crypto.Mac, data: bytes) -> bytes:
        """See `host.Host`."""
        if slot not in self._keys:
            raise Fault(FaultCode.AUTH).given("why", "no such key")
        return hmac.digest(self._keys[slot], data, algorithm.name.removeprefix("HMAC_"))

    def sign(self, slot: str, algorithm: crypto.Signature, data: bytes) -> bytes:
        """See `host.Host`: a script has no private keys."""
        raise Fault.not_supported("signatures in a test")

    def seal(self, slot: str, algorithm: crypto.Aead, data: bytes, associated: bytes) -> bytes:
        """See `host.Host`: a script has no ciphers."""
        raise Fault.not_supported("ciphers in a test")

    def open(self, slot: str, algorithm: crypto.Aead, data: bytes, associated: bytes) -> bytes:
        """See `host.Host`: a script has no ciphers."""
        raise Fault.not_supported("ciphers in a test")


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parse(connector: Inbound, call: Call, delivery: Delivery) -> list[Parsed]:
    """What a connector makes of a delivery, without a network. An `AssertionError` says how
    it breaks the contract: it says something else when it is asked again, names a stream
    that discovery does not, or a key that is none."""
    with Script():
        parsed = list(connector.parse(call, delivery))
        again = list(connector.parse(call, delivery))
        assert parsed == again, "asked again, it says something else"
        streams = [stream.name for stream in connector.discover(call)]
    for meaning in parsed:
        keys: list[str] = []
        if isinstance(meaning, Rows):
            keys = [row.key for row in meaning.rows if row.key is not None]
        elif isinstance(meaning, Refetch):
            keys = list(meaning.keys)
        if isinstance(meaning, (Rows, Refetch, Read)):
            assert meaning.stream in streams, f"discovery names no stream {meaning.stream!r}"
        good = all(1 <= len(key.encode()) <= _KEY_BYTES_MAX for key in keys)
        assert good, f"a key is empty or too long: {keys}"
    return parsed
