"""What the platforms' rules are put together from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from .. import letters, phone
from .kind import Form, Unfit

COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM
    ZW
    """.split()
)
"""ISO 3166-1 alpha-2: the codes that are assigned to a country."""
_FIRST_YEAR = 1900
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)|(\d{4})(\d\d)(\d\d)", re.ASCII)

Normalise = Callable[[str], str]


@dataclass(frozen=True)
class Rule:
    """What a platform does to one kind of value: to the form in which it is compared, and
    how it is sent."""

    normalise: Normalise
    form: Form


def plain(normalise: Normalise) -> Rule:
    """Sent in clear."""
    return Rule(normalise, Form.PLAIN)


def hashed(normalise: Normalise) -> Rule:
    """Sent as SHA-256 in hexadecimal."""
    return Rule(normalise, Form.SHA256_HEX)


def small(value: str) -> str:
    """Without white space at either end, in small letters."""
    return letters.trimmed(value).lower()


def email(value: str) -> str:
    """An address in small letters, without white space at either end."""
    address = small(value)
    _parts(address)
    return address


def email_without_spaces(value: str) -> str:
    """An address in small letters, without any white space."""
    return email(without_spaces(value))


def email_without_tags(*domains: str) -> Normalise:
    """An address as `email`; in these domains, where dots mean nothing and a plus begins a
    tag, without both."""

    def normalise(value: str) -> str:
        address = email(value)
        local, domain = _parts(address)
        if domain not in domains:
            return address
        local = local.split("+", 1)[0].replace(".", "")
        if not local:
            raise Unfit("email")
        return f"{local}@{domain}"

    return normalise


def _parts(address: str) -> tuple[str, str]:
    """What is left and right of the one `@`. Stricter than some of the platforms' own code:
    an address that can receive nothing matches nobody."""
    local, _, domain = address.partition("@")
    labels = domain.split(".")
    sound = local and "@" not in domain and len(labels) > 1 and all(labels)
    if not sound or any(map(letters.is_space, address)):
        raise Unfit("email")
    return local, domain


def phone_digits(value: str) -> str:
    """Country code and number, digits only."""
    digits = phone.digits(value)
    if digits is None:
        raise Unfit("phone")
    return digits


def phone_e164(value: str) -> str:
    """The same with a plus: E.164."""
    return f"+{phone_digits(value)}"


def country(value: str) -> str:
    """A country, in capital letters."""
    code = letters.trimmed(value).upper()
    if code not in COUNTRIES:
        raise Unfit("country")
    return code


def country_small(value: str) -> str:
    """A country, in small letters."""
    return country(value).lower()


def birth(form: str) -> Normalise:
    """A day of birth, in a form of `date.__format__`."""

    def normalise(value: str) -> str:
        found = _DAY.fullmatch(letters.trimmed(value))
        parts = [int(part) for part in found.groups() if part] if found else [0, 0, 0]
        try:
            day = date(*parts)
        except ValueError:
            raise Unfit("birth-date") from None
        if day.year < _FIRST_YEAR:
            raise Unfit("birth-date")
        return form.format(day)

    return normalise


def without_spaces(value: str) -> str:
    """Without any white space."""
    return "".join(it for it in value if not letters.is_space(it))
