from decimal import Decimal

import pytest

from liaison_sdk import Fault, exact


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-7",
        "12345678901234567890123",
        "0.1",
        "1.50",
        '{"a":[1,0.10,{"b":99999999999999999999}],"c":"0.1"}',
        '{"quote":"\\"1.5\\"","line":"\\n","emoji":"\U0001f600"}',
        "[]",
        "{}",
        "[true,false,null]",
    ],
)
def test_numbers_stay_as_they_were_written(text: str) -> None:
    assert exact.write(exact.parse(text)) == text


def test_numbers_in_another_form_are_the_same_numbers() -> None:
    for text in ("1e400", "-2.5E-3", "-0.0", "1E+2"):
        assert exact.parse(exact.write(exact.parse(text))) == Decimal(text)


@pytest.mark.parametrize("text", ["", "01", "[1.]", '{"a":1', "[NaN]", "Infinity", '["a\nb"]'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        exact.parse(text)


@pytest.mark.parametrize("value", [0.1, float("nan"), Decimal("NaN"), {1: 2}, {"a": {1}}, object()])
def test_what_is_not_exact_is_a_bug(value: object) -> None:
    with pytest.raises(Fault, match="bug"):
        exact.write(value)
