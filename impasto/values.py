"""What option values may be: each function makes, or is, a parser that names the option and its range when it refuses.

They serve the command line and configuration files alike, so they take text and YAML's own types.
"""

import contextlib
import re
from collections.abc import Callable
from typing import Any

from nst_core.errors import ConfigError


def number(option: str, low: float, high: float, whole: bool = False) -> Callable[[Any], Any]:
    """A parser of numbers from `low` to `high`."""

    def parse(value: Any) -> float:
        parsed = float("nan")
        with contextlib.suppress(TypeError, ValueError):
            parsed = int(str(value)) if whole else float(value)
        if not low <= parsed <= high:
            kind = "a whole number" if whole else "a number"
            raise ConfigError(f"{option} must be {kind} from {low:g} to {high:g}, not {value}")
        return parsed

    return parse


def texts(value: Any) -> Any:
    """For an option that may be repeated: one text from the command line, or a list of them from a file."""
    return [str(item) for item in value] if isinstance(value, list) else str(value)


def memory(value: Any) -> int | None:
    """`3.5GB`, `1500MB` or `2GiB` as bytes."""
    if value is None or isinstance(value, int):
        return value
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*([MGT])(I?)B?", str(value).strip().upper())
    if not found:
        raise ConfigError(f"--memory-limit must be a size like 3.5GB or 1500MB, not {value}")
    return round(float(found[1]) * (1024 if found[3] else 1000) ** " KMGT".index(found[2]))


def long_side(value: Any) -> int:
    """Pixels, or `original`, which is 0."""
    if value in ("original", 0):
        return 0
    with contextlib.suppress(ValueError):
        if int(str(value)) >= 32:
            return int(str(value))
    raise ConfigError(f"--size must be a whole number of pixels, 32 or more, or original, not {value}")


def layer_weights(value: Any) -> tuple[float, ...]:
    """Five numbers with commas, or a list of them."""
    parts = value.strip("[]() ").split(",") if isinstance(value, str) else list(value)
    if len(parts) != 5:
        raise ConfigError(f"--layer-weights must be five numbers with commas, like 1,1,1,0.5,0, not {value}")
    return tuple(map(number("--layer-weights", 0, 1e6), parts))


def bits(value: Any) -> int:
    """8 or 16."""
    if str(value) not in ("8", "16"):
        raise ConfigError(f"--bits must be 8 or 16, not {value}")
    return int(value)


def weights(value: Any) -> tuple[float, ...]:
    """Numbers with commas, or a list of them."""
    parts = value.split(",") if isinstance(value, str) else list(value)
    return tuple(map(number("--weights", 0, 1e6), parts))
