"""What comes with every call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import exact
from .fault import Fault


@dataclass(frozen=True)
class Call:
    """The connection's settings and what the call is for."""

    settings_text: str = "{}"
    """The settings as JSON text."""
    sandbox: bool = False
    """A test account: writes have no effect on customers."""
    purpose: str = ""
    """A run's name, `check`, `discover`; for logs."""

    @classmethod
    def with_settings(cls, **settings: Any) -> Call:
        """A call as a test makes it."""
        return cls(exact.write(settings))

    def settings(
        self, required: Mapping[str, type], optional: Mapping[str, type] | None = None
    ) -> dict[str, Any]:
        """The settings, which hold these names with values of these types and no others.

            url = call.settings({"url": str})["url"]

        Raises `config`, with what was expected.
        """
        try:
            settings = exact.parse(self.settings_text.strip() or "{}")
        except ValueError:
            raise Fault.config("settings", "JSON") from None
        if not isinstance(settings, dict):
            raise Fault.config("settings", "an object")
        known = {**(optional or {}), **required}
        for name, value in settings.items():
            if name not in known:
                raise Fault.config(name, f"none; known are {', '.join(sorted(known))}")
            # `bool` is an `int` to Python and to nobody else.
            if not isinstance(value, known[name]) or (
                isinstance(value, bool) and known[name] is not bool
            ):
                raise Fault.config(name, known[name].__name__)
        for name in required:
            if name not in settings:
                raise Fault.config(name, required[name].__name__)
        return settings
