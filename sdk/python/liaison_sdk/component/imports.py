"""The host as the contract's imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from componentize_py_types import Err
from wit_world.imports import clock as wit_clock
from wit_world.imports import http as wit_http
from wit_world.imports import log as wit_log
from wit_world.imports import random as wit_random

from .. import crypto, files, host, mail
from ..fault import Fault, FaultCode

# A component imports these only where its connector does.
try:
    from wit_world.imports import files as wit_files
except ImportError:
    wit_files = None
try:
    from wit_world.imports import mail as wit_mail
except ImportError:
    wit_mail = None
try:
    from wit_world.imports import crypto as wit_crypto
except ImportError:
    wit_crypto = None


class Imports:
    """The host as the contract's imports."""

    def send(self, request: host.Sent) -> host.Answered:
        headers = [wit_http.Header(name, value) for name, value in request.headers]
        asked = wit_http.Request(
            request.method, request.url, headers, request.body, request.credential
        )
        answer = _asked(_HTTP_CODES, lambda: wit_http.send(asked))
        received = tuple((it.name, it.value) for it in answer.headers)
        return host.Answered(answer.status, received, answer.body)

    def log(self, level: str, message: str) -> None:
        wit_log.write(wit_log.Level[level.upper()], message)

    def now(self) -> int:
        return wit_clock.now()

    def random(self, count: int) -> bytes:
        return wit_random.bytes(count)

    def files_list(self, folder: str) -> list[files.Stat]:
        return [_stat(it) for it in _asked(_FILE_CODES, lambda: wit_files.list(folder))]

    def files_stat(self, folder: str, name: str) -> files.Stat:
        return _stat(_asked(_FILE_CODES, lambda: wit_files.stat(folder, name)))

    def files_read(self, folder: str, name: str, offset: int, bytes_max: int) -> files.Part:
        part = _asked(_FILE_CODES, lambda: wit_files.read(folder, name, offset, bytes_max))
        return files.Part(part.data, part.version)

    def files_write(
        self, folder: str, name: str, data: bytes, expected: str | None
    ) -> files.Stat:
        return _stat(_asked(_FILE_CODES, lambda: wit_files.write(folder, name, data, expected)))

    def mail_send(self, server: mail.Server, message: mail.Message) -> list[mail.Delivery]:
        letter = wit_mail.Message(
            message.sender, list(message.recipients), list(message.headers), message.body
        )
        told = _asked(_MAIL_CODES, lambda: wit_mail.send(_server(server), letter))
        return [getattr(mail, _word(it, "Delivery_"))(it.value) for it in told]

    def mail_check(self, server: mail.Server) -> None:
        _asked(_MAIL_CODES, lambda: wit_mail.check(_server(server)))

    def hmac(self, slot: str, algorithm: crypto.Mac, data: bytes) -> bytes:
        how = wit_crypto.Mac[algorithm.name]
        return _asked(_CRYPTO_CODES, lambda: wit_crypto.hmac(slot, how, data))

    def sign(self, slot: str, algorithm: crypto.Signature, data: bytes) -> bytes:
        how = wit_crypto.Signature[algorithm.name]
        return _asked(_CRYPTO_CODES, lambda: wit_crypto.sign(slot, how, data))

    def seal(self, slot: str, algorithm: crypto.Aead, data: bytes, associated: bytes) -> bytes:
        how = wit_crypto.Aead[algorithm.name]
        return _asked(_CRYPTO_CODES, lambda: wit_crypto.seal(slot, how, data, associated))

    def open(self, slot: str, algorithm: crypto.Aead, data: bytes, associated: bytes) -> bytes:
        how = wit_crypto.Aead[algorithm.name]
        return _asked(_CRYPTO_CODES, lambda: wit_crypto.open(slot, how, data, associated))


def _stat(it: Any) -> files.Stat:
    return files.Stat(it.name, it.size, it.version, it.modified)


def _server(server: mail.Server) -> Any:
    security = wit_mail.Security[server.security.name]
    return wit_mail.Server(server.address, security, server.credential)


def _word(it: Any, prefix: str) -> str:
    return type(it).__name__.removeprefix(prefix)


_FILE_CODES = {
    "Denied": FaultCode.HOST_DENIED,
    "NotFound": FaultCode.NOT_FOUND,
    "Conflict": FaultCode.CONFLICT,
    "TooLarge": FaultCode.LIMIT,
    "Io": FaultCode.TRANSIENT,
}
_MAIL_CODES = {
    "Denied": FaultCode.HOST_DENIED,
    "Invalid": FaultCode.BUG,
    "TooLarge": FaultCode.LIMIT,
    "BudgetExhausted": FaultCode.LIMIT,
    "Connect": FaultCode.UNREACHABLE,
    "Credential": FaultCode.AUTH,
    "Deferred": FaultCode.TRANSIENT,
    "Refused": FaultCode.PERMISSION,
}
_CRYPTO_CODES = {"Slot": FaultCode.AUTH, "NotAuthentic": FaultCode.REJECTED}
_HTTP_CODES = {
    "Denied": FaultCode.HOST_DENIED,
    "Timeout": FaultCode.TIMEOUT,
    "Connect": FaultCode.UNREACHABLE,
    "TooLarge": FaultCode.LIMIT,
    "BudgetExhausted": FaultCode.LIMIT,
    "Invalid": FaultCode.BUG,
    "Credential": FaultCode.AUTH,
    # It may have had an effect, just as after a timeout.
    "Broken": FaultCode.TIMEOUT,
}


def _asked(codes: dict[str, FaultCode], ask: Callable[[], Any]) -> Any:
    """What the host answers, or the fault that its error stands for."""
    try:
        return ask()
    except Err as error:
        name, value = _word(error.value, "Error_"), getattr(error.value, "value", None)
    fault = Fault(codes.get(name, FaultCode.NOT_SUPPORTED))
    if name == "TooLarge":
        raise fault.given("bytes-max", value)
    if name == "BudgetExhausted":
        raise fault.given("why", "requests per call")
    if name in ("Deferred", "Refused"):
        reply = str(value)
        raise fault.vendor(reply[: len(reply) - len(reply.lstrip("0123456789"))], reply)
    raise fault if value is None else fault.given("why", value)
