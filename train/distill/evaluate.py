"""How true a compact loss network is to its teacher, on pictures it was not trained on."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.errors import ConfigError, ImageError
from nst_core.picture import fit_long_side, read_picture
from nst_core.tensor import to_tensor
from train.distill.module import Teacher, relative_errors

log = logging.getLogger(__name__)

LONG_SIDE_PX = 512
SHORTEST_SIDE_PX = 32


@dataclass(frozen=True)
class GramErrors:
    """Relative squared errors of Gram matrices, |G - T|^2 / |T|^2, after the student's heads."""

    pictures: int
    """How many were measured."""
    long_side_px: int
    median: dict[str, float]
    """By layer, over the pictures."""


def measure_gram_errors(student: CompactNetwork, teacher: Teacher, pictures: Sequence[Path]) -> GramErrors:
    """Compare a student with its teacher, both on the student's device, in fp32.

    Args:
        student: the network.
        teacher: what it was distilled from.
        pictures: files; those that cannot be read or are too narrow are logged and skipped.

    Raises:
        ConfigError: none of the pictures can be used.
    """
    errors: dict[str, list[float]] = {}
    device = next(student.parameters()).device
    for path in pictures:
        if (x := _read(path)) is None:
            continue
        x = x.to(device).contiguous(memory_format=torch.channels_last)
        truth = teacher.features(x)
        with torch.no_grad():
            for layer, raw in student.features(x).items():
                _, gram = relative_errors(student.teacher_heads[layer](raw), truth[layer])
                errors.setdefault(layer, []).append(float(gram))
    if not errors:
        raise ConfigError("none of the pictures to evaluate on can be used; name a folder of photos or paintings")
    count = len(next(iter(errors.values())))
    return GramErrors(count, LONG_SIDE_PX, {layer: statistics.median(values) for layer, values in errors.items()})


def _read(path: Path) -> Tensor | None:
    """A picture at `LONG_SIDE_PX`, (1, 3, H, W)."""
    try:
        picture = read_picture(path)
    except ImageError as error:
        log.warning("skipped: %s", error)
        return None
    width, height = fit_long_side(picture.width, picture.height, LONG_SIDE_PX)
    if min(width, height) < SHORTEST_SIDE_PX:
        log.warning("skipped: %s is too narrow", path.name)
        return None
    return to_tensor(picture.resized(width, height))
