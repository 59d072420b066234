"""The loss networks that a comparison measures under, and where they compute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

from nst_core import features, weights
from nst_core.errors import ConfigError
from nst_core.features import LossNetwork
from nst_core.files import sha256
from nst_core.gatys_options import LossNetworkName


@dataclass(frozen=True)
class Judge:
    """A loss network that pictures are measured under."""

    network: LossNetwork = field(repr=False)
    sha256: str


def load_judges(first: LossNetworkName, has_painting: bool, device: torch.device | str = "cpu") -> list[Judge]:
    """The loss network that the optimizer goes by, and then the others, where the painting and weights are here.

    Raises:
        ConfigError: The first one needs a painting that is not given.
        WeightsError: The first one's weights are missing.
    """
    if first != "compact" and not has_painting:
        raise ConfigError(
            f"--network {first} needs the painting itself, as the style's card holds what compact sees only; "
            "add --painting FILE"
        )
    others = [name for name in ("compact", "vgg19", "vgg16") if name != first]
    found = [name for name in others if has_painting and (name == "compact" or weights.find(name))]
    return [_judge(name, device) for name in (first, *found)]


def _judge(name: str, device: torch.device | str) -> Judge:
    path = features.compact_path() if name == "compact" else weights.find(name)
    network = features.load_network(name, device)
    assert path is not None  # or loading would have failed
    return Judge(network, sha256(path))


def choose_device(name: Literal["auto", "cpu", "cuda"] = "auto") -> torch.device:
    """Where the optimizer computes: on the graphics card, if there is one.

    Raises:
        ConfigError: There is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: torch finds no graphics card; run: impasto doctor")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
