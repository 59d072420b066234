"""Snapshots of an optimization: all that is needed to go on from, in one safetensors file."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nst_core.errors import ConfigError, NstError
from nst_core.files import atomic_path
from nst_core.gatys import Progress
from nst_core.optimizers import Adam, Lbfgs, Optimizer

FORMAT = "1"
"""Changes when an older program could no longer read the file."""


@dataclass(frozen=True)
class Snapshot:
    """What a snapshot holds."""

    progress: Progress
    curve: list[dict[str, Any]]
    """The points of the curve so far; see `nst_core.trace`."""


def save(
    path: Path, progress: Progress, fingerprint: Mapping[str, Any], curve: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Writes a snapshot, whole or not at all.

    Args:
        path: the file.
        progress: as a `Step` brings it, between two steps.
        fingerprint: settings and hashes of the inputs; only the same ones may go on from it. Plain JSON.
        curve: points so far, to go on with too.

    Raises:
        NstError: The folder cannot be written to, or the disk is full.
    """
    optimizer = progress.optimizer
    tensors, same = _without_repeats({"x": progress.x, **{f"o.{k}": t for k, t in optimizer.state().items()}})
    about = {
        "scale": progress.scale,
        "iteration": progress.iteration,
        "seconds": progress.seconds,
        "optimizer": "lbfgs" if isinstance(optimizer, Lbfgs) else "adam",
        "history": optimizer.history if isinstance(optimizer, Lbfgs) else 0,
        "same": same,
        "fingerprint": dict(fingerprint),
        "curve": [dict(point) for point in curve],
    }
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, {"format": FORMAT, "about": json.dumps(about)})
        except SafetensorError as error:
            if f"os error {errno.ENOSPC}" in str(error):  # the library wraps the system's error in text
                raise OSError(errno.ENOSPC, str(error)) from error
            raise NstError(f"cannot write {path.name} in {path.parent}: {error}") from error


def _without_repeats(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors without those that are another one under a second name, and which those are."""
    kept: dict[str, Tensor] = {}
    same: dict[str, str] = {}
    names: dict[tuple[int, torch.Size, tuple[int, ...]], str] = {}
    for name, tensor in tensors.items():
        first = names.setdefault((tensor.data_ptr(), tensor.shape, tensor.stride()), name)
        if first == name:
            kept[name] = tensor.detach().contiguous()
        else:
            same[name] = first
    return kept, same


def load(path: Path, fingerprint: Mapping[str, Any], device: torch.device | str = "cpu") -> Snapshot:
    """Reads a snapshot, to go on from it on `device`.

    Raises:
        ConfigError: It belongs to other settings or inputs; the message says which.
        NstError: The file is missing, broken, or no snapshot.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            found = file.metadata() or {}
            if found["format"] != FORMAT:
                raise ValueError(f"format {found['format']}, not {FORMAT}")
            about = json.loads(found["about"])
            _compare(path, about["fingerprint"], json.loads(json.dumps(dict(fingerprint))))
            # Cloned, as sums may round differently where memory is not aligned as torch aligns it.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a dict
        tensors |= {name: tensors[first] for name, first in about["same"].items()}
        optimizer: Optimizer = Lbfgs(about["history"]) if about["optimizer"] == "lbfgs" else Adam()
        optimizer.restore({name[2:]: tensor for name, tensor in tensors.items() if name.startswith("o.")})
        progress = Progress(about["scale"], about["iteration"], tensors["x"], optimizer, about["seconds"])
        return Snapshot(progress, list(about["curve"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise NstError(
            f"{path} cannot be gone on from, it is no whole snapshot ({reason}); "
            "delete it, or leave out --resume to start anew"
        ) from error


def _compare(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for key in [*new, *(key for key in old if key not in new)]:
        if old.get(key) != new.get(key):
            raise ConfigError(
                f"{path} is a snapshot of other settings: {key} was {_show(old.get(key))}, now it is "
                f"{_show(new.get(key))}; give the same again, or leave out --resume to start anew"
            )


def _show(value: Any) -> str:
    """A value in a message; of a hash the beginning is enough."""
    return f"{value[:8]}…" if isinstance(value, str) and len(value) == 64 else str(value)
