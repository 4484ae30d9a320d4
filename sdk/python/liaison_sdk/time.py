"""Instants as microseconds since 1970, from RFC 3339 text and back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

SECOND_MICROS = 1_000_000
"""Microseconds of a second."""
DAY_MICROS = 86_400 * SECOND_MICROS
"""Microseconds of a day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def parse(text: str) -> int | None:
    """An instant from RFC 3339 text. A space in place of the `T` is taken too, since
    vendors write it; text without an offset is not, since it is no instant. What is finer
    than a microsecond is cut off."""
    found = _INSTANT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    offset = int(off_hours or 0) * 60 + int(off_minutes or 0)
    if int(off_hours or 0) > 23 or int(off_minutes or 0) > 59 or int(second) > 60:
        return None
    try:
        # A leap second is the first of the next minute.
        at = datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=timezone.utc)
    except ValueError:
        return None
    micros = (at - _EPOCH) // timedelta(microseconds=1) + int(second) * SECOND_MICROS
    micros += int(((fraction or "") + "000000")[:6])
    return micros - (-offset if sign == "-" else offset) * 60 * SECOND_MICROS


def format(instant: int) -> str:
    """An instant as RFC 3339 text in UTC, with as much of a fraction as it has."""
    at = _EPOCH + timedelta(microseconds=instant)
    text = f"{at.year:04}-{at.month:02}-{at.day:02}T{at.hour:02}:{at.minute:02}:{at.second:02}"
    fraction = f".{at.microsecond:06}".rstrip("0") if at.microsecond else ""
    return f"{text}{fraction}Z"
