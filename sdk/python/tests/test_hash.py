"""The vectors that the Rust and the TypeScript SDK are held to as well."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from liaison_sdk import FaultCode, phone
from liaison_sdk.hash import Form, Kind, Profile, Unfit
from liaison_sdk.hash.rule import COUNTRIES

VECTORS = Path(__file__).parents[2] / "vectors"
HASH = json.loads((VECTORS / "hash.json").read_text("utf-8"))
PHONE = json.loads((VECTORS / "phone.json").read_text("utf-8"))


def of(vector: dict[str, Any]) -> tuple[Profile, Kind]:
    return Profile(vector["profile"]), Kind(vector["kind"])


@pytest.mark.parametrize("vector", HASH["published"])
def test_the_vendors_vectors_hold(vector: dict[str, Any]) -> None:
    profile, kind = of(vector)
    assert profile.normalise(kind, vector["value"]) == vector["normalised"]
    assert profile.prepare(kind, vector["value"]) == vector["sent"]


@pytest.mark.parametrize("vector", HASH["rules"])
def test_each_platform_has_its_own_rules(vector: dict[str, Any]) -> None:
    profile, kind = of(vector)
    if "normalised" in vector:
        assert profile.normalise(kind, vector["value"]) == vector["normalised"]
        return
    with pytest.raises(Unfit) as caught:
        profile.prepare(kind, vector["value"])
    assert caught.value.why == vector["unfit"]
    not_taken = vector["unfit"] == "not-taken"
    assert caught.value.code is (FaultCode.NOT_SUPPORTED if not_taken else FaultCode.REJECTED)


@pytest.mark.parametrize("vector", HASH["forms"])
def test_what_is_sent_in_clear_and_what_is_hashed(vector: dict[str, Any]) -> None:
    profile, kind = of(vector)
    assert profile.form(kind) == (vector["form"] and Form(vector["form"]))
    assert profile.annotation(kind) == f"{vector['profile']}/{vector['kind']}"


@pytest.mark.parametrize("vector", HASH["adopted"])
def test_digests_are_adopted_when_told(vector: dict[str, Any]) -> None:
    profile, kind = of(vector)
    if "sent" in vector:
        assert profile.adopt(kind, vector["digest"]) == vector["sent"]
        return
    with pytest.raises(Unfit) as caught:
        profile.adopt(kind, vector["digest"])
    assert caught.value.why == vector["unfit"]


def test_people_are_hashed_as_by_the_other_sdks() -> None:
    people = json.loads((VECTORS / "people.json").read_text("utf-8"))
    assert len(people) == 1_000
    for person in people:
        assert sent(person["values"]) == person["sent"], person


def sent(values: list[str]) -> str:
    """A digest of what each platform is sent for each value as each kind."""
    digest = hashlib.sha256()
    for profile in Profile:
        for value in values:
            for kind in Kind:
                try:
                    made = profile.prepare(kind, value)
                except Unfit as unfit:
                    made = unfit.why
                digest.update(f"{made}\n".encode())
    return digest.hexdigest()


def test_countries_are_those_of_the_other_sdks() -> None:
    assert sorted(COUNTRIES) == HASH["countries"].split()


@pytest.mark.parametrize("vector", PHONE["digits"])
def test_an_international_number_is_its_digits(vector: dict[str, Any]) -> None:
    assert phone.digits(vector["number"]) == vector["digits"]


@pytest.mark.parametrize("vector", PHONE["international"])
def test_a_national_number_takes_its_country(vector: dict[str, Any]) -> None:
    found = phone.international(vector["number"], vector["calling-code"], vector["trunk-prefix"])
    assert found == vector["international"]
