"""What a kind of machine can do, from configs/profiles/."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml

import configs
from nst_core.errors import ConfigError
from serve.providers import ProviderChoice

FOLDER = Path(configs.__path__[0]) / "profiles"


@dataclass(frozen=True)
class Profile:
    """A kind of machine, with a graphics card."""

    title: str
    provider: ProviderChoice
    """That computes; see `serve.providers.ComputeOptions`."""
    card_memory: int
    """Bytes that ONNX Runtime may take on the card."""
    memory_limit: int
    """Bytes that the program may take beside it."""
    compute_capability: str
    """Of the card, like 5.2."""
    newest_driver: int
    """The last branch of the driver that knows the card."""
    newest_opset: int
    """Of style files that the card computes wholly."""
    too_new: Mapping[str, str]
    """By package, the first version that the card should not have."""


def profile_names() -> list[str]:
    """Those that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_profile(name: str) -> Profile:
    """A profile by its name.

    Raises:
        ConfigError: There is none, or its file is broken.
    """
    path = FOLDER / f"{name}.yaml"
    if name not in profile_names():
        raise ConfigError(f"there is no profile {name!r}; take one of {', '.join(profile_names())}")
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        values = {field.name: found[field.name] for field in fields(Profile)}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is broken ({error}); get it again") from error
    for key, kind in get_type_hints(Profile).items():
        value, choices = values[key], get_args(kind)
        if value not in choices if kind is ProviderChoice else not isinstance(value, get_origin(kind) or kind):
            raise ConfigError(f"{path}: {key} is {values[key]!r}, which is of the wrong kind")
    return Profile(**values)
