"""The rules of each platform. Their sources, and where a platform contradicts itself, are
named by the modules of the same names in `sdk/liaison-sdk/src/hash`."""

from __future__ import annotations

from collections.abc import Mapping

from .. import letters
from .kind import Form, Kind, Unfit
from .rule import (
    Rule,
    birth,
    country,
    country_small,
    email,
    email_without_spaces,
    email_without_tags,
    hashed,
    phone_digits,
    phone_e164,
    plain,
    small,
    without_spaces,
)

_NATIONAL_DIGITS = 10
"""Digits of a number of the North American plan, without its country code."""


def _google_place(value: str) -> str:
    """In small letters: letters, digits and the white space between them."""
    kept = (it for it in small(value) if letters.is_letter_or_digit(it) or letters.is_space(it))
    return "".join(kept)


def _initial(value: str) -> str:
    return small(value)[:1]


def _gender(value: str) -> str:
    initial = _initial(value)
    if initial not in ("f", "m"):
        raise Unfit("gender")
    return initial


def _meta_place(value: str) -> str:
    """A town or a state: without digits, white space, dots, hyphens and brackets."""
    return "".join(it for it in without_spaces(value.lower()) if it not in "0123456789.-()")


def _meta_postcode(value: str) -> str:
    """Without white space, up to the first hyphen."""
    return without_spaces(value).lower().split("-", 1)[0]


def _national(value: str) -> str:
    """The ten digits of a number of the North American plan."""
    digits = phone_digits(value)
    if len(digits) != _NATIONAL_DIGITS + 1 or not digits.startswith("1"):
        raise Unfit("phone")
    return digits[1:]


RULES: Mapping[str, Mapping[Kind, Rule]] = {
    "meta": {
        Kind.EMAIL: hashed(email),
        Kind.PHONE: hashed(phone_digits),
        Kind.FIRST_NAME: hashed(small),
        Kind.LAST_NAME: hashed(small),
        Kind.FIRST_INITIAL: hashed(_initial),
        Kind.GENDER: hashed(_gender),
        Kind.BIRTH_DATE: hashed(birth("{0.year:04}{0.month:02}{0.day:02}")),
        Kind.BIRTH_YEAR: hashed(birth("{0.year:04}")),
        Kind.BIRTH_MONTH: hashed(birth("{0.month:02}")),
        Kind.BIRTH_DAY: hashed(birth("{0.day:02}")),
        Kind.CITY: hashed(_meta_place),
        Kind.REGION: hashed(_meta_place),
        Kind.POSTCODE: hashed(_meta_postcode),
        Kind.COUNTRY: hashed(country_small),
        Kind.EXTERNAL_ID: plain(letters.trimmed),
        Kind.DEVICE_ID: plain(small),
    },
    "google": {
        Kind.EMAIL: hashed(email_without_tags("gmail.com", "googlemail.com")),
        Kind.PHONE: hashed(phone_e164),
        Kind.FIRST_NAME: hashed(small),
        Kind.LAST_NAME: hashed(small),
        Kind.STREET: hashed(_google_place),
        Kind.CITY: plain(_google_place),
        Kind.REGION: plain(_google_place),
        Kind.POSTCODE: plain(letters.trimmed),
        Kind.COUNTRY: plain(country),
    },
    "linkedin": {
        Kind.EMAIL: hashed(email),
        Kind.FIRST_NAME: plain(letters.trimmed),
        Kind.LAST_NAME: plain(letters.trimmed),
        Kind.EXTERNAL_ID: plain(letters.trimmed),
        Kind.DEVICE_ID: plain(letters.trimmed),
        Kind.COUNTRY: plain(country),
    },
    "tiktok": {
        Kind.EMAIL: hashed(email_without_spaces),
        Kind.PHONE: hashed(phone_e164),
        Kind.DEVICE_ID: hashed(small),
        Kind.EXTERNAL_ID: hashed(letters.trimmed),
    },
    "uid2": {
        Kind.EMAIL: Rule(email_without_tags("gmail.com"), Form.SHA256_BASE64),
        Kind.PHONE: Rule(phone_e164, Form.SHA256_BASE64),
    },
    "liveramp": {
        Kind.EMAIL: hashed(email_without_spaces),
        Kind.PHONE: Rule(_national, Form.SHA1_HEX),
        Kind.FIRST_NAME: plain(letters.trimmed),
        Kind.LAST_NAME: plain(letters.trimmed),
        Kind.STREET: plain(letters.trimmed),
        Kind.CITY: plain(letters.trimmed),
        Kind.REGION: plain(letters.trimmed),
        Kind.POSTCODE: plain(lambda value: letters.trimmed(value).replace("-", "")),
    },
    "adobe": {
        Kind.EMAIL: hashed(email),
        Kind.EXTERNAL_ID: plain(letters.trimmed),
        Kind.DEVICE_ID: plain(letters.trimmed),
    },
}
