"""What an ad platform or an onboarding partner wants done to a value before it may match
on it.

The platforms agree on SHA-256 and on nothing else. `Jane.Doe+x@Gmail.com` keeps dots and
tag for Meta, loses both for Google and UID2, and the last of these wants Base64 where the
others want hexadecimal. A digest of the wrong form is not an error anywhere: it just
matches nobody. So there is no "hash of an e-mail" here, only what one `Profile` does to one
`Kind` of value:

    Profile.META.prepare(Kind.EMAIL, "John_Smith@gmail.com")   # "62a14e44f765419d..."
    Profile.GOOGLE.normalise(Kind.EMAIL, "Jane.Doe+x@Gmail.com")  # "janedoe@gmail.com"
    Profile.GOOGLE.prepare(Kind.COUNTRY, " fr ")               # "FR": sent in clear
    Profile.META.prepare(Kind.EMAIL, "nobody")                 # raises Unfit

- **Never guess that a value is hashed already.** A value of 64 hexadecimal digits may be a
  customer's number. Where the mapping says that a field holds digests, use `adopt`.
- **Telephone numbers are international.** Which country a national number belongs to is
  known to whoever has the row; see `phone`.
- **A value that is unfit is the item's fault, not the batch's**: `Unfit` is a `Fault`, for
  `Rejected`.
- Values are taken as the hub hands them over: Unicode in form C.

What each platform's rules come from, and where its own code and documentation disagree, is
written in the Rust SDK (`sdk/liaison-sdk/src/hash`). Both give the same digests: they are
held to the same vectors (`sdk/vectors`).
"""

from __future__ import annotations

from enum import Enum

from ..letters import trimmed
from .kind import Form, Kind, Unfit
from .platforms import RULES
from .rule import Rule

__all__ = ["Form", "Kind", "Profile", "Unfit"]


class Profile(Enum):
    """Whose rules."""

    META = "meta"
    """Meta: Conversions API and Custom Audiences."""
    GOOGLE = "google"
    """Google: Data Manager API, Customer Match."""
    LINKEDIN = "linkedin"
    """LinkedIn: Matched Audiences, Conversions API."""
    TIKTOK = "tiktok"
    """TikTok: Customer File audiences, Events API."""
    UID2 = "uid2"
    """UID2 and The Trade Desk."""
    LIVERAMP = "liveramp"
    """LiveRamp onboarding files."""
    ADOBE = "adobe"
    """Adobe Audience Manager."""

    def annotation(self, kind: Kind) -> str:
        """The annotation of a field that holds such a value, for `Field.hash_profile`:
        `meta/email`."""
        return f"{self.value}/{kind.value}"

    def form(self, kind: Kind) -> Form | None:
        """How the platform wants it; none where it takes no such value."""
        rule = RULES[self.value].get(kind)
        return None if rule is None else rule.form

    def normalise(self, kind: Kind, value: str) -> str:
        """The value as this platform matches on it, not yet hashed. Raises `Unfit` when
        nobody could be matched by it."""
        normalised = self._rule(kind).normalise(value)
        if not trimmed(normalised):
            raise Unfit("empty")
        return normalised

    def prepare(self, kind: Kind, value: str) -> str:
        """The value as it is sent: normalised, and hashed where this platform demands it.
        Raises as `normalise`."""
        return self._rule(kind).form.of(self.normalise(kind, value))

    def adopt(self, kind: Kind, digest: str) -> str:
        """A digest that was made elsewhere, in hexadecimal, in the form in which this
        platform wants it. Only for fields of which the mapping says that they hold
        digests; by which rules the value was normalised before cannot be seen any more.
        Raises `Unfit` when it is no digest of the kind that is wanted, or when the value is
        wanted in clear."""
        return self._rule(kind).form.adopt(trimmed(digest))

    def _rule(self, kind: Kind) -> Rule:
        rule = RULES[self.value].get(kind)
        if rule is None:
            raise Unfit("not-taken")
        return rule
