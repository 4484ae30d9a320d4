"""HTTP through the host. The connector names a credential slot; it never sees what the
host puts there.

    contacts = http.get("https://api.example.com/contacts").query("limit", 100) \\
        .credential("token").send().expect_success().json()
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from . import exact, host
from .fault import Fault, FaultCode

_NOT_REACHED = (503, 521, 522, 523)
_SECONDS_MAX = 2**32 - 1


class Response:
    """What came back, decompressed. Any status is a response."""

    def __init__(
        self, status: int, headers: tuple[tuple[str, str], ...] = (), body: bytes = b""
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    def is_success(self) -> bool:
        """Whether the status is 200 to 299."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """The body as text; broken UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON with exact numbers. Raises `schema-drift`."""
        try:
            return exact.parse(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            # Without the parser's words: they may quote a customer's value.
            kind = self.header("content-type") or ""
            raise Fault.drift("response", "JSON").given("content-type", kind) from None

    def expect_success(self) -> Response:
        """The response, if the status is 200 to 299. Raises `fault()`."""
        if not self.is_success():
            raise self.fault()
        return self

    def may_have_written(self) -> bool:
        """Whether a server that answered a write so may have written all the same."""
        return self.status >= 500 and self.status not in _NOT_REACHED

    def fault(self) -> Fault:
        """The fault that a status usually means. Vendors differ: ask them first."""
        after = None
        if self.status == 401:
            code = FaultCode.AUTH
        elif self.status == 403:
            code = FaultCode.PERMISSION
        elif self.status in (404, 410):
            code = FaultCode.NOT_FOUND
        elif self.status in (409, 412):
            code = FaultCode.CONFLICT
        elif self.status in (408, 425) or self.status >= 500:
            code = FaultCode.TRANSIENT
        elif self.status == 429:
            code = FaultCode.RATE_LIMITED
            text = (self.header("retry-after") or "").strip()
            if text.isascii() and text.isdigit() and int(text) <= _SECONDS_MAX:
                after = int(text)
        else:
            code = FaultCode.REJECTED
        fault = Fault(code, after_seconds=after).given("status", self.status)
        return fault.given("vendor-message", self.text())


class Request:
    """A request of any method to an absolute URL, to build up and send."""

    def __init__(self, method: str, url: str) -> None:
        self._method = method
        self._url = url
        self._headers: list[tuple[str, str]] = []
        self._body = b""
        self._credential: str | None = None

    def header(self, name: str, value: str) -> Request:
        """With a header. The host refuses those that are its own business, such as
        `Authorization` and `Host`."""
        self._headers.append((name, value))
        return self

    def query(self, name: str, value: object) -> Request:
        """With a query parameter, percent-encoded."""
        separator = "&" if "?" in self._url else "?"
        self._url += f"{separator}{percent_encode(name)}={percent_encode(str(value))}"
        return self

    def body(self, body: bytes | str) -> Request:
        """With a body."""
        self._body = body.encode() if isinstance(body, str) else body
        return self

    def json(self, value: Any) -> Request:
        """With a JSON body and its content type."""
        return self.header("content-type", "application/json").body(exact.write(value))

    def credential(self, slot: str) -> Request:
        """With the credential of a slot of the manifest."""
        self._credential = slot
        return self

    def send(self) -> Response:
        """Sends it. Any status is a response.

        Raises, where there is none: `host-denied`, `unreachable`, `timeout` (it may have
        had an effect), `limit`, `auth`, or `bug` for a request that is malformed.
        """
        sent = host.Sent(
            self._method, self._url, tuple(self._headers), self._body, self._credential
        )
        try:
            answer = host.current().send(sent)
        except Fault as fault:
            raise fault.at(_host_of(self._url)) from None
        return Response(answer.status, answer.headers, answer.body)


def get(url: str) -> Request:
    """A `GET` request."""
    return Request("GET", url)


def post(url: str) -> Request:
    """A `POST` request."""
    return Request("POST", url)


def put(url: str) -> Request:
    """A `PUT` request."""
    return Request("PUT", url)


def patch(url: str) -> Request:
    """A `PATCH` request."""
    return Request("PATCH", url)


def delete(url: str) -> Request:
    """A `DELETE` request."""
    return Request("DELETE", url)


def percent_encode(text: str) -> str:
    """Percent-encodes all but the unreserved characters of RFC 3986."""
    return quote(text, safe="-._~")


def _host_of(url: str) -> str:
    rest = url.split("://", 1)[-1]
    for end in "/?#":
        rest = rest.split(end, 1)[0]
    return rest
