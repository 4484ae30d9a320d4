"""JSON whose numbers stay exact.

`parse` makes an `int` or a `decimal.Decimal` of every number, never a `float`, and
`write` refuses one: a price that went through a binary fraction is another price.
"""

from __future__ import annotations

import json
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

from .fault import Fault

Json = Any
"""`None`, `bool`, `int`, `Decimal`, `str`, a list, or a dict with text as its keys."""


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def parse(text: str | bytes) -> Json:
    """What a JSON text says.

    Raises `ValueError` where it is none. `Decimal` keeps every digit: `1.50` is not `1.5`
    as text, and is equal to it as a number.
    """
    return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)


def write(value: Json) -> str:
    """The value as JSON on one line. Raises the fault `bug` for what is no JSON, and for
    a `float`: make a `Decimal` of the text that it came from."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def _write(value: Json, put: Any) -> None:
    # The commonest first: a page has some ten thousand values.
    if isinstance(value, str):
        put(encode_basestring(value))
    elif value is None:
        put("null")
    elif value is True:
        put("true")
    elif value is False:
        put("false")
    elif isinstance(value, int):
        put(int.__repr__(value))
    elif isinstance(value, dict):
        separator = "{"
        for name, member in value.items():
            if not isinstance(name, str):
                raise Fault.bug(f"a member's name of type {type(name).__name__}")
            put(f"{separator}{encode_basestring(name)}:")
            _write(member, put)
            separator = ","
        put("}" if value else "{}")
    elif isinstance(value, (list, tuple)):
        separator = "["
        for element in value:
            put(separator)
            _write(element, put)
            separator = ","
        put("]" if value else "[]")
    elif isinstance(value, Decimal) and value.is_finite():
        put(str(value))
    else:
        raise Fault.bug(f"a value of type {type(value).__name__} is no exact JSON")
