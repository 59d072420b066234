"""Better strokes for `impasto paint`: iterations of the classic optimizer, from what a style's network painted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jsonargparse import Namespace

from impasto.memory import free_bytes
from impasto.optimize_session import open_device
from models.catalog import Style
from nst_core import features, gatys
from nst_core.features import LossNetwork
from nst_core.files import sha256
from nst_core.mask import read_mask
from nst_core.picture import Picture, read_picture
from nst_core.sources import Sources, fast_share
from nst_core.sources import Style as PaintingSource
from serve.paint_options import PaintOptions
from serve.work import Progress

NETWORK = "compact"
"""The loss network whose Gram matrices the cards of styles hold."""
ITERATION_WORK = 4.0
"""That an iteration takes, as a multiple of painting as many pixels: measured with the swift network, on a CPU."""


@dataclass(frozen=True)
class Refinement:
    """How the pictures of one run are refined."""

    iterations: int
    mask: Path | None
    """A picture that is white where strokes are to change; None is everywhere."""
    settings: Mapping[str, Any]
    """What of this is kept inside a painted picture."""
    network: LossNetwork
    device: torch.device
    limit_bytes: int

    def retouch(self, style: Style, options: PaintOptions) -> "Refiner":
        """What refines pictures in one style.

        Raises:
            ModelError: The style's card is damaged.
        """
        loss = style.card.gatys_options()
        loss = replace(loss, size=0, strength=options.strength, iterations=self.iterations)
        loss = replace(loss, optimizer="lbfgs", start="picture")
        return Refiner(self, loss, PaintingSource(style.card.painting(options.shares(style))))


@dataclass(frozen=True)
class Refiner:
    """Goes on from a style's strokes with the loss that its network was trained to; a `serve.work.Retouch`.

    It works at the size at which the strokes are painted, so that neither brush size nor the time that it takes
    depend on how large the result is.
    """

    refinement: Refinement
    options: gatys.GatysOptions
    painting: PaintingSource

    @property
    def work(self) -> float:
        """As a multiple of painting the strokes."""
        return ITERATION_WORK * self.refinement.iterations

    def __call__(self, photo: Picture, painted: Picture, tell: Progress) -> Picture:
        """The strokes after the iterations; see `serve.work.Retouch`.

        Raises:
            BudgetError: They do not fit into the memory.
            ImageError: The mask cannot be read.
        """
        own, mask = self.refinement, self.refinement.mask
        only = None if mask is None else read_mask(mask, photo.height, photo.width)
        sources = Sources(photo, (self.painting,), None, painted, fast_share(own.iterations), only)
        plan = gatys.make_plan(sources, self.options, own.network, own.limit_bytes)
        for step in gatys.optimize(sources, self.options, own.network, plan, own.device):
            tell(step.iteration / step.iterations)
            if step.iteration == step.iterations:
                painted = step.picture(painted.bit_depth)
        return painted


def open_refinement(options: Namespace) -> Refinement:
    """Loads what `impasto paint --refine` needs.

    Raises:
        ConfigError: There is no such device.
        ImageError: The mask cannot be read.
        WeightsError: The loss network is missing.
    """
    provider = options.provider if options.provider in ("auto", "cuda") else "cpu"
    device = open_device(provider, options.memory_limit)
    mask = Path(options.refine_mask) if options.refine_mask else None
    settings = {
        "iterations": options.refine,
        "mask": mask and {"file": mask.name, "sha256": read_picture(mask).sha256},
        "loss_network": {"name": NETWORK, "sha256": sha256(features.compact_path())},
    }
    limit_bytes = options.memory_limit or free_bytes(device)
    return Refinement(options.refine, mask, settings, features.load_network(NETWORK, device), device, limit_bytes)
