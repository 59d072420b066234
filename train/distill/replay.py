"""Pictures half-way from photo to painting, to train a loss network on what its optimizer will show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nst_core.compact import CompactNetwork
from nst_core.objective import Evaluation, Objective, Weights, style_moments
from nst_core.optimizers import Lbfgs
from nst_core.tiling import TilePlan, plan_tiles
from nst_core.vgg import LAYERS

HISTORY = 8
"""Corrections that each picture's L-BFGS keeps."""


class Present:
    """The network in training, as the loss network that it is just now."""

    def __init__(self, network: CompactNetwork) -> None:
        self.network = network
        self.name, self.layers, self.strides = network.name, network.layers, network.strides
        self.halo_px, self.bytes_per_pixel = network.halo_px, network.bytes_per_pixel
        self.content_channels = network.content_channels
        with torch.no_grad():
            self.heads: Mapping[str, Tensor | None] = network.folded_heads()

    def views(self) -> Sequence[Present]:
        """Itself alone."""
        return (self,)

    def features(self, x: Tensor, layers: Sequence[str] = LAYERS) -> dict[str, Tensor]:
        """See `nst_core.features.LossNetwork`."""
        return self.network.features(x, layers)


@dataclass
class Painted:
    """One picture on its way."""

    photo: Tensor
    """(1, 3, S, S) in [0, 1]."""
    painting: Tensor
    """(1, 3, S, S) in [0, 1]."""
    x: Tensor
    """(1, 3, S, S), painted so far."""
    strength: float
    optimizer: Lbfgs
    steps_left: int

    def state(self) -> dict[str, Any]:
        """All of it as tensors, numbers and dictionaries."""
        return vars(self) | {"optimizer": self.optimizer.state()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Painted:
        """Go on from what `state` returned."""
        optimizer = Lbfgs(HISTORY)
        optimizer.restore(state["optimizer"])
        return cls(**{**state, "optimizer": optimizer})


class Replay:
    """A pool of pictures that the real optimizer paints, a few steps at a time, through the network in training.

    An optimizer drives pictures to where its loss network is wrong, and a network trained on photos alone
    is never shown those. So each picture is a photo on its way to another picture's style, with the
    optimizer, the losses and the heads that `impasto optimize` uses.
    """

    size = 24
    most_steps = 60
    steps_a_visit = 3

    def __init__(self) -> None:
        self.pool: list[Painted] = []

    def advance(self, network: CompactNetwork, photos: Tensor, generator: torch.Generator) -> Tensor:
        """Paint on at some of the pool, filling it up from the photos; (n, 3, S, S) in and out."""
        present = Present(network)
        chosen = []
        for i, photo in enumerate(photos):
            if len(self.pool) < self.size:
                steps = int(torch.randint(3, self.most_steps, (), generator=generator))
                chosen.append(self.begin(photo[None], photos[(i + 1) % len(photos)][None], steps, generator))
            else:
                chosen.append(self.pool.pop(int(torch.randint(len(self.pool), (), generator=generator))))
        for painted in chosen:
            self.paint(present, painted)
            if painted.steps_left > 0:
                self.pool.append(painted)
        return torch.cat([painted.x for painted in chosen])

    def begin(self, photo: Tensor, painting: Tensor, steps: int, generator: torch.Generator) -> Painted:
        """A photo that is to go so many steps toward a painting; (1, 3, H, W), which may be of two sizes."""
        strength = 4.0 ** float(torch.empty(()).uniform_(-0.5, 1.0, generator=generator))
        return Painted(photo, painting, photo, strength, Lbfgs(HISTORY), steps)

    def paint(self, network: Present, painted: Painted) -> None:
        """Goes on with it for one visit."""
        layers = dict.fromkeys(network.layers, painted.strength)
        style = style_moments(network, painted.painting, _whole(painted.painting, network), network.layers)
        plan = _whole(painted.x, network)
        objective = Objective(network, painted.photo, [style], [1.0], [None], Weights(1.0, 0.1, layers), plan)
        painted.optimizer.best = None  # the network has changed since: losses do not compare

        def evaluate(x: Tensor) -> Evaluation:
            with torch.enable_grad():
                return objective(x)

        for _ in range(min(self.steps_a_visit, painted.steps_left)):
            painted.x, _ = painted.optimizer.step(painted.x, evaluate)
            painted.steps_left -= 1


def _whole(x: Tensor, network: Present) -> TilePlan:
    """One tile for all of it."""
    height, width = x.shape[2:]
    return plan_tiles(height, width, network.halo_px, max(network.strides.values()), height * width)
