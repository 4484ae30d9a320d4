"""A host that follows a script: connectors are tested natively, without a component and
without a network.

    with Script(Exchange("GET", "https://api.example.com/contacts").reply(200, [])) as script:
        page = connector.read(call, ReadRequest("contacts"))

A request that differs from the one expected is an `AssertionError` that names the
difference; so is an expected request that was not made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from . import exact, host
from .fault import Fault, FaultCode

_ANY = object()


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
    that answers whatever no exchange expects."""

    def __init__(
        self,
        *exchanges: Exchange,
        vendor: Callable[[host.Sent], host.Answered] | None = None,
        now: int = 0,
    ) -> None:
        self._exchanges = list(exchanges)
        self._vendor = vendor
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
