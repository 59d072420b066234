"""Networks for painting, by name."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from models.johnson import Johnson, JohnsonOptions
from models.style_network import StyleNetwork
from models.swift import Swift, SwiftOptions
from nst_core.errors import ModelError
from nst_core.files import write_bytes

NETWORKS = {"swift": (Swift, SwiftOptions), "johnson": (Johnson, JohnsonOptions)}


def build(name: str, options: Mapping[str, Any] | None = None, paintings: int = 1) -> StyleNetwork:
    """A network with random weights.

    Args:
        name: one of `NETWORKS`.
        options: what differs from the network's usual shape.
        paintings: how many it is to hold.

    Raises:
        ModelError: there is no such network, or it has no such option.
    """
    if name not in NETWORKS:
        raise ModelError(f"there is no network {name!r}; choose {' or '.join(NETWORKS)}")
    body, shape = NETWORKS[name]
    try:
        return StyleNetwork(body(shape(**(options or {}))), paintings)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{name}: unknown or unfit options {dict(options or {})}") from error


def default_options(name: str) -> dict[str, Any]:
    """The usual shape of a network, as its card holds it."""
    return asdict(NETWORKS[name][1]())


def save_network(network: StyleNetwork, name: str, path: Path, card: Mapping[str, Any]) -> None:
    """Write weights (fp16) and card of a network of the usual shape into one safetensors file."""
    tensors = {key: value.detach().half().contiguous().cpu() for key, value in network.state_dict().items()}
    described = {"network": name, "options": json.dumps(default_options(name)), "card": json.dumps(card)}
    write_bytes(path, save(tensors, described))


def load_network(path: Path) -> tuple[str, StyleNetwork]:
    """Name and network that a file holds.

    Raises:
        ModelError: the file is missing, broken or no network of ours.
    """
    with _reading(path) as (file, metadata):
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 - not a dict
        name = metadata["network"]
        network = build(name, json.loads(metadata["options"]), len(state["table"]))
        network.load_state_dict(state)
        return name, network


def read_about(path: Path) -> dict[str, Any]:
    """The `card` that `save_network` was given.

    Raises:
        ModelError: the file is missing, broken or no network of ours.
    """
    with _reading(path) as (_, metadata):
        return dict(json.loads(metadata["card"]))


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    """The open file and its metadata; whatever is wrong with them becomes a ModelError."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file, file.metadata() or {}
    except (ModelError, OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(f"{path}: not a network of Impasto ({reason})") from error
