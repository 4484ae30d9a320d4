"""What a call learns besides its answer."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RateHint:
    """What the vendor's answer says about its limits."""

    scope: str
    """`account`, `app` or an endpoint's name, as in the manifest's budgets."""
    remaining: int | None = None
    """Calls or cost points that remain in the window."""
    limit: int | None = None
    """Calls or cost points of a whole window."""
    reset_after_seconds: int | None = None
    """Seconds until the window renews."""
    cost: int | None = None
    """What the last call cost."""


@dataclass(frozen=True)
class Notice:
    """Something a person should know although the call succeeded."""

    topic: str
    """`deprecation`, `sunset`, `api-version`."""
    args: tuple[tuple[str, str], ...] = ()
    """Named arguments, such as `date` and `link`."""


@dataclass
class Hints:
    """What a call learned besides its answer."""

    rates: list[RateHint] = field(default_factory=list)
    """Limits."""
    notices: list[Notice] = field(default_factory=list)
    """Deprecations and warnings."""
