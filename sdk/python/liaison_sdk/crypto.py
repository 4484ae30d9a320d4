"""Cryptography bound to a secret that the connector never sees: it names a credential slot.
Sign the final bytes; the host changes nothing afterwards.

    signature = crypto.hmac("key", crypto.Mac.HMAC_SHA256, body).hex()

All of them raise `auth` for a slot that is missing or holds a secret of another kind,
`rejected` for sealed bytes that do not open, and `not-supported` where the host cannot.
"""

from __future__ import annotations

from enum import Enum

from . import host
from .fault import Fault


class Mac(Enum):
    """Keyed hashes."""

    HMAC_SHA1 = "hmac-sha1"
    """HMAC-SHA-1, where a vendor insists."""
    HMAC_SHA256 = "hmac-sha256"
    """HMAC-SHA-256."""
    HMAC_SHA512 = "hmac-sha512"
    """HMAC-SHA-512."""


class Signature(Enum):
    """Signatures."""

    RS256 = "rs256"
    """RSASSA-PKCS1-v1_5 with SHA-256."""
    ES256 = "es256"
    """ECDSA on P-256 with SHA-256, as r and s of 32 bytes each."""


class Aead(Enum):
    """Authenticated encryption."""

    AES256_GCM = "aes256-gcm"
    """AES-256-GCM."""
    XCHACHA20_POLY1305 = "xchacha20-poly1305"
    """XChaCha20-Poly1305."""


def hmac(slot: str, algorithm: Mac, data: bytes) -> bytes:
    """A keyed hash under the secret of a slot."""
    try:
        return host.current().hmac(slot, algorithm, data)
    except Fault as fault:
        raise fault.at(slot) from None


def sign(slot: str, algorithm: Signature, data: bytes) -> bytes:
    """A signature by the key of a slot."""
    try:
        return host.current().sign(slot, algorithm, data)
    except Fault as fault:
        raise fault.at(slot) from None


def seal(slot: str, algorithm: Aead, data: bytes, associated: bytes = b"") -> bytes:
    """Nonce, ciphertext and tag, one after the other."""
    try:
        return host.current().seal(slot, algorithm, data, associated)
    except Fault as fault:
        raise fault.at(slot) from None


def open(slot: str, algorithm: Aead, data: bytes, associated: bytes = b"") -> bytes:
    """The reverse of `seal`."""
    try:
        return host.current().open(slot, algorithm, data, associated)
    except Fault as fault:
        raise fault.at(slot) from None
