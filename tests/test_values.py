"""Values of options: what is taken, and that what is not names the option and its range."""

import re

import pytest

from impasto import values
from nst_core.duration import duration
from nst_core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "size"),
    [("3.5GB", 3_500_000_000), ("1500MB", 1_500_000_000), ("2GiB", 2 << 30), ("1g", 10**9), (".5 tb", 5 * 10**11)],
)
def test_memory_sizes(text: str, size: int):
    assert values.memory(text) == size


@pytest.mark.parametrize("text", ["3", "GB", "-1GB", "nan", "3.5.1GB", "3 bytes"])
def test_what_is_no_memory_size(text: str):
    with pytest.raises(ConfigError, match=r"--memory-limit must be a size like 3\.5GB"):
        values.memory(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (3599.6, "1 h 00 min")]
)
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(("value", "pixels"), [("32", 32), (512, 512), ("original", 0), (0, 0)])
def test_long_side(value: object, pixels: int):
    assert values.long_side(value) == pixels


@pytest.mark.parametrize("value", ["31", "lots", "-1", "1.5", None])
def test_what_is_no_long_side(value: object):
    message = f"--size must be a whole number of pixels, 32 or more, or original, not {value}"
    with pytest.raises(ConfigError, match=re.escape(message)):
        values.long_side(value)


@pytest.mark.parametrize(
    ("value", "whole", "parsed"), [("2", True, 2), (2, True, 2), (".5", False, 0.5), (10, False, 10)]
)
def test_numbers(value: object, whole: bool, parsed: float):
    found = values.number("--n", 0, 10, whole)(value)
    assert found == parsed and isinstance(found, int if whole else float)


@pytest.mark.parametrize("value", ["-1", "11", "nan", "inf", "", "2.5", None, [1]])
def test_what_is_no_number_in_the_range(value: object):
    with pytest.raises(ConfigError, match=r"^--n must be a whole number from 0 to 10, not "):
        values.number("--n", 0, 10, whole=True)(value)


@pytest.mark.parametrize("value", ["1,2,0,0.5,1", "[1, 2, 0, 0.5, 1]", [1, 2, 0, 0.5, 1], (1, 2, 0, 0.5, 1)])
def test_layer_weights(value: object):
    assert values.layer_weights(value) == (1, 2, 0, 0.5, 1)


def test_texts_come_one_by_one_or_as_a_list():
    assert values.texts("a.jpg") == "a.jpg" and values.texts(["a.jpg", 2]) == ["a.jpg", "2"]
