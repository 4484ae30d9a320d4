"""Telephone numbers, as far as it can be done without knowing every country's plan: the
digits of an international number, and a national number made international by somebody who
knows whose it is.

    phone.digits("+33 (6) 12-34-56-78")             # "33612345678"
    phone.digits("06 12 34 56 78")                  # None: whose country?
    phone.international("06 12 34 56 78", "33", "0")  # "+33612345678"
"""

from __future__ import annotations

import re

from .letters import trimmed

DIGITS_MIN = 7
"""Fewest digits of an international number, country code included."""
DIGITS_MAX = 15
"""Most digits of an international number (E.164), country code included."""

_OTHER = re.compile(r"[^0-9]")


def digits(number: str) -> str | None:
    """The digits of an international number, country code first, without plus or `00`.
    None when it is no such number: too few digits or too many, a national one (no country
    code begins with a zero), or one with the trunk zero in brackets, of which nobody knows
    whether it belongs there."""
    if "(0)" in number:
        return None
    found = _OTHER.sub("", number)
    if not trimmed(number).startswith("+"):
        found = found.removeprefix("00")
    fits = DIGITS_MIN <= len(found) <= DIGITS_MAX and not found.startswith("0")
    return found if fits else None


def international(number: str, calling_code: str, trunk_prefix: str) -> str | None:
    """A number with its plus (E.164). One without plus or `00` is taken for one of the
    country with that calling code, and loses the prefix that is dialled within the country
    only (`0` in most of Europe, `1` in North America, nothing in Italy)."""
    number = trimmed(number)
    if number.startswith(("+", "00")):
        found = digits(number)
    else:
        national = _OTHER.sub("", number).removeprefix(trunk_prefix)
        found = digits(f"+{calling_code}{national}") if national else None
    return None if found is None else f"+{found}"
