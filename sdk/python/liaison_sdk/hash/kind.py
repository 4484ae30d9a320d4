"""What a value is, how it is sent, and why it cannot be."""

from __future__ import annotations

import base64
import hashlib
import re
from enum import Enum

from ..fault import Fault, FaultCode

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")


class Kind(Enum):
    """What a value is; its value is the word of discovery's annotations."""

    EMAIL = "email"
    """An e-mail address."""
    PHONE = "phone"
    """A telephone number in international form."""
    FIRST_NAME = "first-name"
    """A given name."""
    FIRST_INITIAL = "first-initial"
    """The first letter of a given name, from the whole name."""
    LAST_NAME = "last-name"
    """A family name."""
    GENDER = "gender"
    """A gender: `f` or `m`, or a word that begins so."""
    BIRTH_DATE = "birth-date"
    """A date of birth, `1990-02-05` or `19900205`, as one value."""
    BIRTH_YEAR = "birth-year"
    """The year of a date of birth."""
    BIRTH_MONTH = "birth-month"
    """The month of a date of birth."""
    BIRTH_DAY = "birth-day"
    """The day of the month of a date of birth."""
    STREET = "street"
    """Street and house number."""
    CITY = "city"
    """A town."""
    REGION = "region"
    """A state, province or region."""
    POSTCODE = "postcode"
    """A postcode."""
    COUNTRY = "country"
    """A country as ISO 3166-1 alpha-2."""
    EXTERNAL_ID = "external-id"
    """The organisation's own identifier of the person."""
    DEVICE_ID = "device-id"
    """A mobile advertising identifier."""


_EXPECTED = {
    "not-taken": "a kind of value that this platform takes",
    "empty": "a value that is not empty",
    "email": "an e-mail address",
    "phone": "an international telephone number such as +33123456789",
    "gender": "f or m",
    "birth-date": "a day since 1900, such as 1990-02-05",
    "country": "a country as two letters of ISO 3166-1, such as FR",
    "digest": "a digest in hexadecimal, of a value that is wanted hashed",
}


class Unfit(Fault):
    """Why nobody can be matched by a value. It never holds the value."""

    def __init__(self, why: str) -> None:
        not_taken = why == "not-taken"
        super().__init__(FaultCode.NOT_SUPPORTED if not_taken else FaultCode.REJECTED)
        self.why = why
        """A word: `not-taken`, `empty`, `email`, `phone`, `gender`, `birth-date`,
        `country`, `digest`."""
        self.given("expected", _EXPECTED[why])


class Form(Enum):
    """How a platform wants a value."""

    PLAIN = "plain"
    """In clear: the platform matches on it as it is, or hashes itself."""
    SHA256_HEX = "sha256-hex"
    """SHA-256 in hexadecimal, small letters."""
    SHA256_BASE64 = "sha256-base64"
    """SHA-256 in Base64: of the digest's 32 bytes, never of its hexadecimal text."""
    SHA1_HEX = "sha1-hex"
    """SHA-1 in hexadecimal, small letters."""

    def of(self, normalised: str) -> str:
        """A normalised value in this form."""
        match self:
            case Form.PLAIN:
                return normalised
            case Form.SHA256_HEX | Form.SHA256_BASE64:
                return self._written(hashlib.sha256(normalised.encode()).digest())
            case Form.SHA1_HEX:
                return self._written(hashlib.sha1(normalised.encode()).digest())

    def adopt(self, digest: str) -> str:
        """A digest in hexadecimal that was made elsewhere, in this form."""
        wanted = {Form.PLAIN: None, Form.SHA1_HEX: 20}.get(self, 32)
        if not _HEX.fullmatch(digest) or len(digest) // 2 != wanted:
            raise Unfit("digest")
        return self._written(bytes.fromhex(digest))

    def _written(self, digest: bytes) -> str:
        if self is Form.SHA256_BASE64:
            return base64.b64encode(digest).decode()
        return digest.hex()
